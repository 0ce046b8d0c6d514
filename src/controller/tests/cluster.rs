//! A played cluster: a store that records its writes, and brokers that answer every push.

use crate::config::BrokerConfig;
use crate::controller::{
    BrokerChannel, BrokerRack, Channels, ControllerHandle, NewTopic, Push, PushReply, Settings,
};
use crate::metadata::embedded;
use crate::metadata::image::BrokerNode;
use crate::metadata::records::{
    BrokerEndpoint, BrokerRegistration, PartitionState, TopicAssignment, paths,
};
use crate::metadata::store::{
    Done, Life, Node, Op, Session, SharedStore, Store, StoreError, Watch,
};
use crate::types::{BrokerId, TopicId};
use async_trait::async_trait;
use kafka_protocol::messages::leader_and_isr_response::{
    LeaderAndIsrPartitionError, LeaderAndIsrTopicError,
};
use kafka_protocol::messages::{LeaderAndIsrResponse, StopReplicaResponse};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// A store that notes every write that succeeded: `set /path {json}`.
pub struct Recorder {
    inner: SharedStore,
    writes: Mutex<Vec<String>>,
}

fn describe(op: &Op) -> Option<String> {
    let text = |data: &Option<bytes::Bytes>| {
        data.as_ref().map_or("<null>".into(), |d| String::from_utf8_lossy(d).into_owned())
    };
    match op {
        Op::Create { path, data, .. } => Some(format!("create {path} {}", text(data))),
        Op::Set { path, data, .. } => Some(format!("set {path} {}", text(data))),
        Op::Delete { path, .. } => Some(format!("delete {path}")),
        Op::Check { path, .. } => Some(format!("check {path}")),
    }
}

#[async_trait]
impl Store for Recorder {
    async fn get(&self, path: &str) -> Result<Option<Node>, StoreError> {
        self.inner.get(path).await
    }
    async fn children(&self, path: &str) -> Result<Option<Vec<String>>, StoreError> {
        self.inner.children(path).await
    }
    async fn commit(&self, ops: Vec<Op>) -> Result<Vec<Done>, StoreError> {
        let text: Vec<String> = ops.iter().filter_map(describe).collect();
        let result = self.inner.commit(ops).await;
        if result.is_ok() {
            self.writes.lock().push(text.join(" ; "));
        }
        result
    }
    async fn watch(&self, path: &str) -> Result<Watch, StoreError> {
        self.inner.watch(path).await
    }
    fn session(&self) -> tokio::sync::watch::Receiver<Session> {
        self.inner.session()
    }
    fn session_timeout(&self) -> Duration {
        self.inner.session_timeout()
    }
    async fn close(&self) {
        self.inner.close().await;
    }
}

/// All requests pushed, by broker, in order.
#[derive(Default)]
pub struct Pushed {
    requests: Mutex<Vec<(BrokerId, Push)>>,
}

struct Played {
    id: BrokerId,
    pushed: Arc<Pushed>,
}

#[async_trait]
impl BrokerChannel for Played {
    async fn push(&self, request: Push) -> Result<PushReply, String> {
        self.pushed.requests.lock().push((self.id, request.clone()));
        Ok(match request {
            Push::UpdateMetadata(_) => PushReply::UpdateMetadata(0),
            Push::StopReplica(_) => PushReply::StopReplica(StopReplicaResponse::default()),
            Push::LeaderAndIsr(request) => {
                let topics = request.topic_states.iter().map(|topic| {
                    let fine = topic.partition_states.iter().map(|p| {
                        LeaderAndIsrPartitionError::default()
                            .with_partition_index(p.partition_index)
                    });
                    LeaderAndIsrTopicError::default()
                        .with_topic_id(topic.topic_id)
                        .with_partition_errors(fine.collect())
                });
                let response = LeaderAndIsrResponse::default().with_topics(topics.collect());
                PushReply::LeaderAndIsr(response)
            }
        })
    }
}

struct Stage(Arc<Pushed>);

impl Channels for Stage {
    fn open(&self, broker: &BrokerNode) -> Arc<dyn BrokerChannel> {
        Arc::new(Played { id: broker.id, pushed: self.0.clone() })
    }
}

/// The cluster on the stage; brokers 101, 102, …; the controller runs on 101.
pub struct Cluster {
    pub store: Arc<Recorder>,
    pub pushed: Arc<Pushed>,
    pub controller: ControllerHandle,
    brokers: Vec<BrokerId>,
    _directory: tempfile::TempDir,
}

fn settings() -> Settings {
    Settings {
        broker: 101,
        listener: "PLAINTEXT".into(),
        unclean_election: false,
        delete_topics: true,
        rebalance: false,
        rebalance_interval: Duration::from_secs(300),
        imbalance_percentage: 10,
        partitions: 1,
        replication_factor: 1,
    }
}

impl Cluster {
    /// The tree and the brokers, and no controller yet.
    pub async fn prepared(brokers: &[BrokerId]) -> Cluster {
        let directory = tempfile::tempdir().unwrap();
        let inner = embedded::open(directory.path()).unwrap();
        let store = Arc::new(Recorder { inner, writes: Mutex::default() });
        for path in [
            "/brokers",
            paths::BROKER_IDS,
            paths::TOPICS,
            paths::CONFIG,
            paths::CONFIG_CHANGES,
            paths::ADMIN,
            paths::DELETE_TOPICS,
            paths::ISR_CHANGES,
            paths::PRODUCER_ID_BLOCK,
            paths::LOG_DIR_EVENTS,
            "/config/topics",
        ] {
            let op = Op::Create { path: path.into(), data: None, life: Life::Persistent };
            store.commit(vec![op]).await.unwrap();
        }
        let pushed = Arc::new(Pushed::default());
        let controller = ControllerHandle::new(
            Arc::new(settings),
            store.clone(),
            Arc::new(Stage(pushed.clone())),
        );
        let mut cluster =
            Cluster { store, pushed, controller, brokers: Vec::new(), _directory: directory };
        for broker in brokers {
            cluster.add_broker(*broker).await;
        }
        cluster
    }

    /// A cluster whose controller is in office.
    pub async fn started(brokers: &[BrokerId]) -> Cluster {
        let cluster = Cluster::prepared(brokers).await;
        cluster.start().await;
        cluster
    }

    pub async fn start(&self) {
        self.controller.start(&tokio::runtime::Handle::current());
        self.until(|cluster| cluster.controller.is_active()).await;
        // A call is answered after all that taking office does.
        self.settle().await;
    }

    pub async fn add_broker(&mut self, id: BrokerId) {
        let registration = BrokerRegistration {
            endpoints: vec![BrokerEndpoint {
                listener: "PLAINTEXT".into(),
                security_protocol: "PLAINTEXT".into(),
                host: "localhost".into(),
                port: id as u16,
            }],
            rack: None,
            jmx_port: -1,
            timestamp: 0,
            features: BTreeMap::new(),
        };
        let op = Op::Create {
            path: paths::broker(id),
            data: Some(registration.encode(true)),
            life: Life::Persistent,
        };
        self.store.commit(vec![op]).await.unwrap();
        self.brokers.push(id);
    }

    pub async fn remove_broker(&self, id: BrokerId) {
        let op = Op::Delete { path: paths::broker(id), version: None };
        self.store.commit(vec![op]).await.unwrap();
    }

    /// Creates a topic with these replicas and waits until it is led.
    pub async fn create(&self, name: &str, replicas: &[&[BrokerId]]) -> TopicId {
        let assignments = (0..).zip(replicas.iter().map(|r| r.to_vec())).collect();
        let topic = NewTopic {
            name: name.into(),
            partitions: -1,
            replication_factor: -1,
            assignments,
            configs: Vec::new(),
        };
        let created = self.controller.create_topic(&config(), &self.racks(), topic, false).await;
        for partition in 0..replicas.len() as i32 {
            self.until_state(name, partition, |_| true).await;
        }
        self.controller.reassignments(None).await.unwrap();
        created.unwrap().id
    }

    pub fn racks(&self) -> Vec<BrokerRack> {
        self.brokers.iter().map(|id| BrokerRack { id: *id, rack: None }).collect()
    }

    pub async fn epoch_of(&self, broker: BrokerId) -> i64 {
        self.store.get(&paths::broker(broker)).await.unwrap().unwrap().stat.czxid
    }

    pub async fn state(&self, topic: &str, partition: i32) -> Option<(PartitionState, i32)> {
        let node = self.store.get(&paths::partition_state(topic, partition)).await.unwrap()?;
        Some((PartitionState::decode(&node.data.unwrap()).unwrap(), node.stat.version))
    }

    pub async fn assignment(&self, topic: &str) -> TopicAssignment {
        let node = self.store.get(&paths::topic(topic)).await.unwrap().unwrap();
        TopicAssignment::decode(&node.data.unwrap()).unwrap()
    }

    /// Waits for a state that is as wanted.
    pub async fn until_state(
        &self,
        topic: &str,
        partition: i32,
        wanted: impl Fn(&PartitionState) -> bool,
    ) -> PartitionState {
        let mut watch = self.store.watch("/brokers").await.unwrap();
        let wait = async {
            loop {
                if let Some((state, _)) = self.state(topic, partition).await
                    && wanted(&state)
                {
                    return state;
                }
                watch.recv().await.unwrap();
            }
        };
        tokio::time::timeout(Duration::from_secs(10), wait).await.expect("state never came")
    }

    /// Waits until the controller has done what it was doing: a call is answered after that.
    pub async fn settle(&self) {
        self.controller.reassignments(None).await.unwrap();
    }

    /// Waits until a node is gone.
    pub async fn until_gone(&self, path: &str) {
        let mut watch = self.store.watch(path).await.unwrap();
        let wait = async {
            while self.store.get(path).await.unwrap().is_some() {
                watch.recv().await.unwrap();
            }
        };
        tokio::time::timeout(Duration::from_secs(10), wait).await.expect("node never went");
    }

    /// Waits for a condition that changes with the controller's work.
    pub async fn until(&self, wanted: impl Fn(&Cluster) -> bool) {
        let wait = async {
            while !wanted(self) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), wait).await.expect("it never came to be");
    }

    /// Writes since the last call; the controller's fence is left out: `check; set /x` is `set /x`.
    pub fn writes(&self) -> Vec<String> {
        let fence = "check /controller_epoch ; ";
        let writes = std::mem::take(&mut *self.store.writes.lock());
        writes.iter().map(|w| w.strip_prefix(fence).unwrap_or(w).to_string()).collect()
    }

    /// Writes since the last call with their fences.
    pub fn raw_writes(&self) -> Vec<String> {
        std::mem::take(&mut *self.store.writes.lock())
    }

    /// Whether any request pushed so far is as wanted.
    pub fn was_pushed(&self, wanted: impl Fn(BrokerId, &Push) -> bool) -> bool {
        self.pushed.requests.lock().iter().any(|(broker, push)| wanted(*broker, push))
    }
}

pub fn config() -> BrokerConfig {
    let properties = [("broker.id", "101"), ("zookeeper.connect", "localhost:2181")];
    BrokerConfig::from_properties(
        properties.iter().map(|(k, v)| ((*k).to_string(), (*v).to_string())).collect(),
    )
    .unwrap()
}

/// Kafka's JSON of a state.
pub fn state_json(epoch: i32, leader: BrokerId, leader_epoch: i32, isr: &[BrokerId]) -> String {
    let isr: Vec<String> = isr.iter().map(ToString::to_string).collect();
    format!(
        "{{\"controller_epoch\":{epoch},\"leader\":{leader},\"version\":1,\
         \"leader_epoch\":{leader_epoch},\"isr\":[{}]}}",
        isr.join(",")
    )
}
