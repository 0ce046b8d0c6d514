// franz-go: a member of a group that says what it is assigned and what it reads, commits after
// every poll, and closes when its input ends.  member SERVERS GROUP PROTOCOL INSTANCE|- TOPIC
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

type owned struct {
	sync.Mutex
	names map[string]bool
}

func (o *owned) change(has bool, partitions map[string][]int32) {
	o.Lock()
	defer o.Unlock()
	for topic, list := range partitions {
		for _, p := range list {
			name := fmt.Sprintf("%s-%d", topic, p)
			if has {
				o.names[name] = true
			} else {
				delete(o.names, name)
			}
		}
	}
	var names []string
	for name := range o.names {
		names = append(names, name)
	}
	sort.Strings(names)
	fmt.Println("assigned " + strings.Join(names, " "))
}

func main() {
	servers, group, protocol, instance, topic := os.Args[1], os.Args[2], os.Args[3], os.Args[4], os.Args[5]
	ctx, end := context.WithCancel(context.Background())
	has := owned{names: map[string]bool{}}
	lose := func(_ context.Context, _ *kgo.Client, p map[string][]int32) { has.change(false, p) }
	opts := []kgo.Opt{kgo.SeedBrokers(servers), kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableAutoCommit(),
		kgo.Balancers(kgo.CooperativeStickyBalancer()), kgo.BlockRebalanceOnPoll(),
		kgo.MetadataMaxAge(time.Second), kgo.MetadataMinAge(100 * time.Millisecond),
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, p map[string][]int32) {
			has.change(true, p)
		}), kgo.OnPartitionsRevoked(lose), kgo.OnPartitionsLost(lose)}
	if protocol == "consumer" {
		opts = append(opts, kgo.ServerSideBalancer())
	} else {
		opts = append(opts, kgo.SessionTimeout(6*time.Second), kgo.HeartbeatInterval(500*time.Millisecond))
	}
	if instance != "-" {
		opts = append(opts, kgo.InstanceID(instance))
	}
	client, err := kgo.NewClient(opts...)
	if err != nil {
		log.Fatal(err)
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		end()
	}()
	for ctx.Err() == nil {
		fetches := client.PollFetches(ctx)
		fetches.EachRecord(func(r *kgo.Record) {
			fmt.Println("record", r.Topic, r.Partition, r.Offset, string(r.Value))
		})
		if fetches.NumRecords() > 0 {
			if err := client.CommitUncommittedOffsets(context.Background()); err != nil {
				fmt.Println("uncommitted", err)
			}
		}
		client.AllowRebalance()
	}
	client.Close()
	fmt.Println("closed")
}
