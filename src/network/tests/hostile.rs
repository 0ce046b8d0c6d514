//! Hostile input to every API and version that a ZooKeeper-mode broker has: nothing may abort the
//! process or cost much more memory than was sent.

use std::sync::Arc;

use bytes::BytesMut;
use kafka_protocol::protocol::Request;
use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::client::{Client, framed};
use super::{GRACE, Running, settings, start, start_default};
use crate::handlers::api_table::{Api, api_table};
use crate::handlers::{Dispatch, GroupEnd, RequestContext};
use crate::network::Server;
use crate::quota::connections::{ConnectionQuotas, Limits};

mod any {
    use super::*;

    /// Whatever was decoded is answered with nothing in it.
    pub async fn handle<R>(_: &Arc<()>, _: &RequestContext, _: R) -> R::Response
    where
        R: Request<Response: Default>,
    {
        R::Response::default()
    }

    pub async fn handle_group<R>(
        _: &Arc<()>,
        _: &[RequestContext],
        requests: Vec<R>,
    ) -> Vec<Option<R::Response>>
    where
        R: Request<Response: Default>,
    {
        requests.iter().map(|_| Some(R::Response::default())).collect()
    }
}

api_table! {
    /// All requests, decoded and not looked at.
    AllTable for () {
        ProduceRequest                       0..=11 => any group;
        FetchRequest                         0..=17 => any;
        ListOffsetsRequest                   0..=9  => any;
        MetadataRequest                      0..=12 => any;
        LeaderAndIsrRequest                  0..=7  => any;
        StopReplicaRequest                   0..=4  => any;
        UpdateMetadataRequest                0..=8  => any;
        ControlledShutdownRequest            0..=3  => any;
        OffsetCommitRequest                  0..=9  => any;
        OffsetFetchRequest                   0..=9  => any;
        FindCoordinatorRequest               0..=6  => any;
        JoinGroupRequest                     0..=9  => any;
        HeartbeatRequest                     0..=4  => any;
        LeaveGroupRequest                    0..=5  => any;
        SyncGroupRequest                     0..=5  => any;
        DescribeGroupsRequest                0..=5  => any;
        ListGroupsRequest                    0..=5  => any;
        SaslHandshakeRequest                 0..=1  => any;
        ApiVersionsRequest                   0..=4  => any;
        CreateTopicsRequest                  0..=7  => any;
        DeleteTopicsRequest                  0..=6  => any;
        DeleteRecordsRequest                 0..=2  => any;
        InitProducerIdRequest                0..=5  => any;
        OffsetForLeaderEpochRequest          0..=4  => any;
        AddPartitionsToTxnRequest            0..=5  => any;
        AddOffsetsToTxnRequest               0..=4  => any;
        EndTxnRequest                        0..=4  => any;
        WriteTxnMarkersRequest               0..=1  => any;
        TxnOffsetCommitRequest               0..=4  => any;
        DescribeAclsRequest                  0..=3  => any;
        CreateAclsRequest                    0..=3  => any;
        DeleteAclsRequest                    0..=3  => any;
        DescribeConfigsRequest               0..=4  => any;
        AlterConfigsRequest                  0..=2  => any;
        AlterReplicaLogDirsRequest           0..=2  => any;
        DescribeLogDirsRequest               0..=4  => any;
        SaslAuthenticateRequest              0..=2  => any;
        CreatePartitionsRequest              0..=3  => any;
        CreateDelegationTokenRequest         0..=3  => any;
        RenewDelegationTokenRequest          0..=2  => any;
        ExpireDelegationTokenRequest         0..=2  => any;
        DescribeDelegationTokenRequest       0..=3  => any;
        DeleteGroupsRequest                  0..=2  => any;
        ElectLeadersRequest                  0..=2  => any;
        IncrementalAlterConfigsRequest       0..=1  => any;
        AlterPartitionReassignmentsRequest   0..=0  => any;
        ListPartitionReassignmentsRequest    0..=0  => any;
        OffsetDeleteRequest                  0..=0  => any;
        DescribeClientQuotasRequest          0..=1  => any;
        AlterClientQuotasRequest             0..=1  => any;
        DescribeUserScramCredentialsRequest  0..=0  => any;
        AlterUserScramCredentialsRequest     0..=0  => any;
        AlterPartitionRequest                0..=3  => any;
        UpdateFeaturesRequest                0..=1  => any;
        EnvelopeRequest                      0..=0  => refused;
        DescribeClusterRequest               0..=1  => any;
        DescribeProducersRequest             0..=0  => any;
        DescribeTransactionsRequest          0..=0  => any;
        ListTransactionsRequest              0..=1  => any;
        AllocateProducerIdsRequest           0..=0  => any;
        ConsumerGroupHeartbeatRequest        0..=1  => any;
        ConsumerGroupDescribeRequest         0..=1  => any;
    }
}

/// Far below what one declared length asks for, far above what other tests use meanwhile.
const MEMORY_BOUND: usize = 1 << 30;

/// Resident bytes of this process.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = statm.split(' ').nth(1).unwrap().parse().unwrap();
    pages * rustix::param::page_size()
}

/// Lengths of arrays, strings and tagged fields at their worst, fixed and as varints.
const HUGE: &[&[u8]] = &[
    b"\x7f\xff\xff\xff",
    b"\x0f\xff\xff\xff",
    b"\x04\0\0\0",
    b"\xff\xff\xff\xff\x0f",
    b"\xff\xff\xff\xff\x07",
    b"\x80\x80\x80\x20",
    b"\x7f\xff",
    b"\x80\0\0\0",
];

/// Broken bodies: a huge length after 0 to 40 bytes of several kinds, then nothing or noise.
fn bodies(noise: &mut StdRng) -> Vec<Vec<u8>> {
    let mut bodies = Vec::new();
    for before in 0..40 {
        for fill in [0u8, 1, 2] {
            for huge in HUGE {
                let mut body = [&vec![fill; before][..], huge].concat();
                if noise.random() {
                    body.extend((0..60).map(|_| noise.random_range(0..4u8)));
                }
                bodies.push(body);
            }
        }
    }
    let random = (0..200).map(|n| (0..n).map(|_| noise.random()).collect());
    bodies.extend(random);
    bodies
}

async fn serve(context: &RequestContext, body: &[u8]) {
    let mut out = BytesMut::new();
    let body = bytes::Bytes::copy_from_slice(body);
    let broker = Arc::new(());
    if AllTable.is_grouped(context.api_key) {
        let end = AllTable.serve_group(&broker, vec![context.clone()], vec![body], &mut out);
        assert!(matches!(end.await, GroupEnd::Open | GroupEnd::Close | GroupEnd::Broken(..)));
    } else if let Err(error) = AllTable.serve(&broker, context, body, &mut out).await {
        assert!(!error.to_string().is_empty());
    }
}

#[test]
fn the_table_has_all_keys_of_a_zookeeper_mode_broker() {
    let keys: Vec<i16> = AllTable::APIS.iter().map(|api| api.key).collect();
    let expected = (0..=51).chain([56, 57, 58, 60, 61]).chain(65..=69);
    assert_eq!(keys, expected.collect::<Vec<i16>>());
}

#[tokio::test]
async fn no_body_of_any_api_and_version_costs_more_than_its_bytes() {
    let mut noise = StdRng::seed_from_u64(39);
    let bodies = bodies(&mut noise);
    let before = resident();
    for Api { key, name, min, max, .. } in AllTable::APIS {
        for version in *min..=*max {
            let context = RequestContext::for_test(*key, version);
            for body in &bodies {
                serve(&context, body).await;
            }
            let grown = resident().saturating_sub(before);
            assert!(grown < MEMORY_BOUND, "{name} v{version}: {grown} bytes");
        }
    }
}

fn start_all() -> Running {
    let bound = crate::network::Bound::bind(settings()).unwrap();
    let address = bound.addresses().first().unwrap().1;
    let quotas = ConnectionQuotas::new(Limits::default());
    let server = Server::serve(bound, Arc::new(()), AllTable, quotas).unwrap();
    Running { server, address }
}

#[test]
fn a_hostile_frame_of_any_api_and_version_ends_at_most_its_connection() {
    let running = start_all();
    let mut noise = StdRng::seed_from_u64(391);
    for Api { key, min, max, header_version, .. } in AllTable::APIS {
        for version in *min..=*max {
            let mut head = [&key.to_be_bytes()[..], &version.to_be_bytes(), b"\0\0\0\x07"].concat();
            head.extend_from_slice(match header_version(version) {
                0 => b"",
                1 => b"\0\x01a",
                _ => b"\0\x01a\0",
            });
            let mut client = Client::connect(running.address);
            for fill in 0..3 {
                let before = vec![fill; noise.random_range(0..20)];
                let huge = HUGE[noise.random_range(0..HUGE.len())];
                if !client.try_send(&framed(&[&head[..], &before, huge].concat())) {
                    break;
                }
            }
        }
    }
    let mut client = Client::connect(running.address);
    client.send(&framed(b"\0\x12\0\0\0\0\0\x07\0\x01a"));
    assert_eq!(client.receive_id(), Some(7));
    running.server.shutdown(GRACE);
}

#[test]
fn connections_that_declare_100_mib_and_send_nothing_cost_next_to_nothing() {
    let running = start_default();
    let before = resident();
    let mut clients: Vec<Client> = Vec::new();
    for _ in 0..300 {
        let mut client = Client::connect(running.address);
        client.send(b"\x06\x40\0\0\0\0\0\x03");
        clients.push(client);
    }
    // One connection after them on each thread, so that theirs have been read.
    for id in 0..2 {
        let mut client = Client::connect(running.address);
        client.send(&framed(b"\0\x12\0\0\0\0\0\x07\0\x01a"));
        assert_eq!(client.receive_id(), Some(7), "client {id}");
        clients.push(client);
    }
    let grown = resident().saturating_sub(before);
    assert!(grown < MEMORY_BOUND, "{grown} bytes");
    assert_eq!(running.server.quotas().open(), 302);
}

#[test]
fn a_client_that_does_not_read_its_answers_is_closed_at_the_idle_limit() {
    use kafka_protocol::messages::{FetchRequest, HeartbeatRequest};
    let max_idle = std::time::Duration::from_millis(50);
    let running = start(crate::network::Settings { max_idle, ..settings() }, Limits::default());
    let mut client = Client::connect(running.address);
    let request = FetchRequest::default().with_max_bytes(30_000_000);
    let first = super::client::frame(4, 1, &HeartbeatRequest::default());
    client.send(&[first, super::client::frame(12, 2, &request)].concat());
    assert_eq!(client.receive_id(), Some(1));
    while running.server.quotas().open() > 0 {
        std::thread::yield_now();
    }
}
