//! Starting and stopping, in the order in which it must happen.

use super::InternalTopics;
use super::introduction::Introduction;
use super::loading_report::LoadingReport;
use super::producer_ids::FreshIds;
use super::registration::registration;
use super::{Broker, ProducerIds, topic_configs};
use crate::config::{BrokerConfig, key};
use crate::controller::client::ControllerClient;
use crate::controller::{ControllerHandle, PeerChannels, Settings, SettingsSource};
use crate::coordinator::group::{GROUP_TOPIC, GroupConfig, GroupCoordinator, ImageTopics};
use crate::coordinator::state_log::PartitionLog;
use crate::coordinator::transaction::{
    BrokerMarkers, BrokerPeers, TRANSACTION_TOPIC, TransactionConfig, TransactionCoordinator,
    Verifier,
};
use crate::log::{LogDirs, LogDirsConfig, LogError};
use crate::metadata::image::Published;
use crate::metadata::layout::{self, LayoutError};
use crate::metadata::records::ClusterId;
use crate::metadata::store::{Session, SharedStore, StoreError};
use crate::metadata::{embedded, zookeeper};
use crate::partition::fetcher::{self, FetcherSettings};
use crate::partition::sessions::FetchSessions;
use crate::partition::{Replicas, isr};
use crate::peer::{Dial, OwnDial, PeerOptions, PlainDial};
use crate::quota::clients::ClientQuotas;
use crate::quota::connections::{ConnectionQuotas, Limits};
use crate::quota::replication::ReplicationQuotas;
use crate::types::BrokerId;
use arc_swap::ArcSwap;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// Why the broker does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A log directory cannot be used.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The metadata store cannot be reached or refuses.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no place for this broker in the metadata store.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// The directory belongs to another broker or cluster.
    #[error("{0}")]
    Mismatch(String),
}

/// The log directories, opened and recovered, and the metadata store; nobody in the cluster knows
/// of it yet.
pub struct Opened {
    config: Arc<ArcSwap<BrokerConfig>>,
    image: Arc<Published>,
    store: SharedStore,
    log_dirs: Arc<LogDirs>,
    dial: Arc<dyn Dial>,
}

impl Opened {
    /// Opens the log directories, once it is known how their topics are configured: a log must
    /// neither be recovered nor cleaned by the rules of another.
    pub async fn open(config: BrokerConfig) -> Result<Opened, StartError> {
        let store = connect(&config).await?;
        let image: Arc<Published> = Arc::default();
        let stored = topic_configs::all(store.as_ref()).await?;
        image.update(|image| image.topic_configs.extend(stored));
        let config = Arc::new(ArcSwap::from_pointee(config));
        let (configs, known) = (config.clone(), image.clone());
        let open = move || {
            let dirs = LogDirsConfig::from_broker(&configs.load());
            let resolve = |topic: &str| topic_configs::resolve(&configs.load(), &known, topic);
            let report = LoadingReport::new();
            LogDirs::open(dirs, &resolve, &|progress| report.show(progress))
        };
        let opened = tokio::task::spawn_blocking(open).await;
        let log_dirs = opened.map_err(|error| LogError::Io(error.into()))??;
        let open_files = config.load().get(key::OTTLA_LOG_OPEN_FILES_MAX);
        log_dirs.open_files().set_budget(usize::try_from(open_files).ok());
        Ok(Opened { config, image, store, log_dirs, dial: Arc::new(PlainDial) })
    }

    /// Says where the listeners are bound, so that the broker can reach itself there.
    pub fn bound_to(mut self, sockets: &[(Arc<str>, SocketAddr)]) -> Opened {
        let config = self.config.load();
        let name = config.inter_broker_listener_name();
        let advertised = config.advertised_listeners().into_iter().find(|l| l.name == name);
        let socket = sockets.iter().find(|(bound, _)| *bound == name);
        if let (Some(advertised), Some((_, socket))) = (advertised, socket) {
            let port = if advertised.port == 0 { socket.port() } else { advertised.port };
            self.dial = Arc::new(OwnDial::new((advertised.host, port), *socket));
        }
        drop(config);
        self
    }

    /// Joins the cluster in all but name: the broker is complete, and not yet registered.
    pub async fn join(self) -> Result<Arc<Broker>, StartError> {
        let Opened { config, image, store, log_dirs, dial } = self;
        let now = config.load_full();
        layout::create_tree(store.as_ref()).await?;
        let ClusterId(cluster_id) = layout::cluster_id(store.as_ref(), ClusterId::random()).await?;
        let cluster_id: Arc<str> = cluster_id.into();
        let id = broker_id(store.as_ref(), &now, &log_dirs, &cluster_id).await?;
        let resolve = {
            let (config, image) = (config.clone(), image.clone());
            move |topic: &str| topic_configs::resolve(&config.load(), &image, topic)
        };
        let lag_max_ms = now.get(key::REPLICA_LAG_TIME_MAX_MS);
        let replicas = Arc::new(Replicas::new(id, log_dirs.clone(), Box::new(resolve), lag_max_ms));
        let epoch = Arc::new(AtomicI64::new(-1));
        let options = PeerOptions { dial, ..peer_options(&now, id) };
        let listener = now.inter_broker_listener_name();
        let controller_client =
            ControllerClient::new(id, epoch.clone(), image.clone(), listener, options.clone());
        let controller_client = Arc::new(controller_client);
        let controller = controller(id, &config, &store, options.clone());
        let groups = GroupCoordinator::start(
            GroupConfig::of(&now),
            Arc::new(PartitionLog::new(
                GROUP_TOPIC,
                now.get(key::OFFSETS_TOPIC_NUM_PARTITIONS),
                replicas.clone(),
                image.clone(),
            )),
            Arc::new(ImageTopics::new(image.clone())),
            tokio::runtime::Handle::current(),
        );
        let producer_ids: Arc<ProducerIds> = Arc::default();
        let fresh_ids =
            FreshIds { ids: producer_ids.clone(), controller: controller_client.clone() };
        let (transactions, verifier) =
            transactions(id, &now, &image, &replicas, &groups, Arc::new(fresh_ids), options);
        let slots = now.get(key::MAX_INCREMENTAL_FETCH_SESSION_CACHE_SLOTS);
        Ok(Arc::new(Broker {
            id,
            cluster_id,
            config,
            image,
            store,
            replicas,
            log_dirs,
            fetch_sessions: FetchSessions::new(usize::try_from(slots).unwrap_or(0)),
            controller,
            controller_client,
            producer_ids,
            groups,
            quotas: ClientQuotas::new(&now),
            replication: ReplicationQuotas::new(&now),
            connections: ConnectionQuotas::new(Limits::from_config(&now)),
            transactions,
            verifier,
            internal_topics: InternalTopics::default(),
            introduction: Introduction::of(id),
            control: tokio::runtime::Handle::current(),
            epoch,
        }))
    }
}

fn transactions(
    id: BrokerId,
    config: &BrokerConfig,
    image: &Arc<Published>,
    replicas: &Arc<Replicas>,
    groups: &Arc<GroupCoordinator>,
    producer_ids: Arc<FreshIds>,
    options: PeerOptions,
) -> (Arc<TransactionCoordinator>, Verifier) {
    let runtime = tokio::runtime::Handle::current();
    let timeout = config.get(key::REQUEST_TIMEOUT_MS);
    let timeout = Duration::from_millis(u64::try_from(timeout).unwrap_or(30_000));
    let options = PeerOptions { request_timeout: timeout, ..options };
    let listener = config.inter_broker_listener_name();
    let peers = Arc::new(BrokerPeers::new(image.clone(), listener, options));
    let markers = BrokerMarkers::new(
        id,
        image.clone(),
        replicas.clone(),
        groups.clone(),
        peers.clone(),
        timeout,
    );
    let coordinator = TransactionCoordinator::start(
        TransactionConfig::of(config),
        Arc::new(PartitionLog::new(
            TRANSACTION_TOPIC,
            config.get(key::TRANSACTION_STATE_LOG_NUM_PARTITIONS),
            replicas.clone(),
            image.clone(),
        )),
        Arc::new(markers),
        producer_ids,
        runtime.clone(),
    );
    let verifier = Verifier::new(id, image.clone(), coordinator.clone(), peers, runtime);
    (coordinator, verifier)
}

fn controller(
    id: BrokerId,
    config: &Arc<ArcSwap<BrokerConfig>>,
    store: &SharedStore,
    options: PeerOptions,
) -> ControllerHandle {
    let config = config.clone();
    let settings: SettingsSource = Arc::new(move || Settings::of(&config.load(), id));
    let channels = PeerChannels::new(settings.clone(), options);
    ControllerHandle::new(settings, store.clone(), Arc::new(channels))
}

/// How this broker talks to the controller, and as controller to the others.
fn peer_options(config: &BrokerConfig, id: BrokerId) -> PeerOptions {
    let connect = config.get(key::SOCKET_CONNECTION_SETUP_TIMEOUT_MS);
    let request = config.get(key::CONTROLLER_SOCKET_TIMEOUT_MS);
    PeerOptions {
        client_id: id.to_string(),
        request_timeout: Duration::from_millis(u64::try_from(request).unwrap_or(0)),
        connect_timeout: Duration::from_millis(u64::try_from(connect).unwrap_or(0)),
        ..PeerOptions::default()
    }
}

async fn connect(config: &BrokerConfig) -> Result<SharedStore, StoreError> {
    let Some(connect) = config.get(key::ZOOKEEPER_CONNECT) else {
        let dirs = config.log_dirs();
        let dir = dirs.first().cloned().unwrap_or_default();
        // Where this fails, opening does too, and says so.
        std::fs::create_dir_all(&dir).ok();
        return embedded::open(&dir);
    };
    let millis = |millis: i32| Duration::from_millis(u64::try_from(millis).unwrap_or(0));
    let mut options = zookeeper::ZookeeperOptions::new(&*connect);
    options.session_timeout = millis(config.get(key::ZOOKEEPER_SESSION_TIMEOUT_MS));
    options.connection_timeout = millis(config.zookeeper_connection_timeout_ms());
    zookeeper::connect(options).await
}

/// The configured id, or that of the directories, or a new one; and the directories become this
/// broker's if they were nobody's.
async fn broker_id(
    store: &dyn crate::metadata::store::Store,
    config: &BrokerConfig,
    log_dirs: &LogDirs,
    cluster_id: &str,
) -> Result<BrokerId, StartError> {
    let stored = log_dirs.meta();
    if let Some(other) = stored.cluster_id.as_deref().filter(|id| *id != cluster_id) {
        return Err(StartError::Mismatch(format!(
            "the log directories belong to cluster {other}, the metadata store to {cluster_id}"
        )));
    }
    let configured = config.get(key::BROKER_ID);
    let id = match (configured, stored.broker_id) {
        (0.., Some(other)) if other != configured => {
            return Err(StartError::Mismatch(format!(
                "configured broker id {configured} is not that of the log directories, {other}"
            )));
        }
        (0.., _) => configured,
        (_, Some(stored)) => stored,
        (_, None) if config.uses_zookeeper() => {
            layout::generate_broker_id(store, config.get(key::RESERVED_BROKER_MAX_ID)).await?
        }
        (_, None) => 0,
    };
    log_dirs.write_meta(id, cluster_id)?;
    Ok(id)
}

impl Broker {
    /// Registers the broker and starts its tasks; from now on it is part of the cluster. `ports`
    /// are those that listeners got for port 0.
    pub async fn register(
        self: &Arc<Self>,
        ports: &BTreeMap<String, u16>,
    ) -> Result<(), StartError> {
        self.load_broker_config().await;
        self.load_quotas().await;
        self.start_tasks();
        let epoch = self.write_registration(ports).await?;
        self.epoch.store(epoch, Ordering::Release);
        self.controller.start(&self.control);
        tracing::info!(id = self.id, epoch, cluster = %self.cluster_id, "registered");
        self.control.spawn(self.clone().keep_registered(ports.clone()));
        Ok(())
    }

    /// Registers again whenever the store's session was lost and a new one is there.
    async fn keep_registered(self: Arc<Self>, ports: BTreeMap<String, u16>) {
        let mut sessions = self.store.session();
        let mut registered = live_id(*sessions.borrow_and_update());
        while sessions.changed().await.is_ok() {
            let now = live_id(*sessions.borrow_and_update());
            if now.is_none() || now == registered {
                continue;
            }
            match self.write_registration(&ports).await {
                Ok(epoch) => {
                    registered = now;
                    self.epoch.store(epoch, Ordering::Release);
                    tracing::info!(id = self.id, epoch, "registered again");
                }
                Err(error) => tracing::error!(%error, "cannot register again"),
            }
        }
    }

    /// Puts the registration into the store; its epoch. Waits for an earlier session of the same
    /// broker to end.
    async fn write_registration(&self, ports: &BTreeMap<String, u16>) -> Result<i64, LayoutError> {
        let registration = registration(&self.config.load(), ports);
        let patience = self.store.session_timeout() + Duration::from_secs(5);
        let id = self.id;
        let waiting = || tracing::warn!(id, "already registered; waiting for that session to end");
        layout::register_broker(self.store.as_ref(), id, &registration, true, patience, waiting)
            .await
    }

    fn start_tasks(self: &Arc<Self>) {
        let config = self.config.load();
        let interval = config.get(key::REPLICA_HIGH_WATERMARK_CHECKPOINT_INTERVAL_MS);
        let interval = Duration::from_millis(u64::try_from(interval).unwrap_or(5000).max(1));
        self.control.spawn(self.replicas.clone().keep_checkpoints(interval));
        self.control.spawn(isr::run(self.replicas.clone(), self.controller_client.clone()));
        self.control.spawn(self.clone().follow_config_changes());
        self.control.spawn(self.clone().watch_log_dirs());
        self.limit_moves(&config);
        self.control.spawn(fetcher::run(
            self.replicas.clone(),
            self.image.clone(),
            self.epoch.clone(),
            self.fetcher_settings(),
        ));
    }

    fn fetcher_settings(&self) -> FetcherSettings {
        let config = self.config.load();
        let millis = |millis: i32| Duration::from_millis(u64::try_from(millis).unwrap_or(0));
        FetcherSettings {
            listener: config.inter_broker_listener_name(),
            max_wait_ms: config.get(key::REPLICA_FETCH_WAIT_MAX_MS),
            min_bytes: config.get(key::REPLICA_FETCH_MIN_BYTES),
            max_bytes: config.get(key::REPLICA_FETCH_RESPONSE_MAX_BYTES),
            partition_max_bytes: config.get(key::REPLICA_FETCH_MAX_BYTES),
            backoff: millis(config.get(key::REPLICA_FETCH_BACKOFF_MS)),
            request_timeout: millis(config.get(key::REPLICA_SOCKET_TIMEOUT_MS)),
            options: peer_options(&config, self.id),
            quota: self.replication.follower.clone(),
        }
    }

    /// Asks the controller to move leaderships away, as often as configured.
    pub async fn shut_down_controlled(&self) {
        let config = self.config.load_full();
        if !config.get(key::CONTROLLED_SHUTDOWN_ENABLE) {
            return;
        }
        let retries = config.get(key::CONTROLLED_SHUTDOWN_MAX_RETRIES);
        let backoff = config.get(key::CONTROLLED_SHUTDOWN_RETRY_BACKOFF_MS);
        for _ in 0..retries.max(1) {
            match self.controller_client.controlled_shutdown(Duration::from_secs(10)).await {
                Ok(0) => return,
                Ok(left) => tracing::info!(left, "leaderships remain"),
                Err(error) => tracing::info!(%error, "controlled shutdown"),
            }
            if self.is_alone() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(backoff.max(0) as u64)).await;
        }
    }

    /// Whether there is no other broker that could lead instead.
    fn is_alone(&self) -> bool {
        self.image.load().brokers.keys().all(|id| *id == self.id)
    }

    /// Stops the coordinators: members that wait for others are answered, so that their requests
    /// do not hold up the end of the network layer, and nothing is appended to a closed log.
    pub fn stop_coordinators(&self) {
        self.transactions.shutdown();
        self.groups.shutdown();
    }

    /// Closes the logs, clean, and leaves the cluster. Nothing may be served any more.
    pub async fn close(&self) {
        self.stop_coordinators();
        let replicas = self.replicas.clone();
        let (log_dirs, epoch) = (self.log_dirs.clone(), self.epoch());
        let closed = tokio::task::spawn_blocking(move || {
            let written = replicas.checkpoint_high_watermarks();
            log_dirs.close(epoch);
            written
        });
        match closed.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "high watermarks not written"),
            Err(error) => tracing::error!(%error, "closing the logs failed"),
        }
        self.controller.stop().await;
        self.store.close().await;
    }
}

fn live_id(session: Session) -> Option<i64> {
    match session {
        Session::Live(id) => Some(id),
        Session::Suspended | Session::Lost => None,
    }
}
