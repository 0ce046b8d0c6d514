//! Configurations in the store: read as they are now, and changed so that every broker hears of it
//! (`/config/<kind>/<name>` and a sequential node below `/config/changes`).
//!
//! As Kafka's `AdminZkClient.changeEntityConfig`. It does not know what the keys mean.

use super::Broker;
use crate::config::Properties;
use crate::metadata::records::{ConfigChange, ConfigData, ConfigEntity, paths};
use crate::metadata::store::{Life, Op, Store, StoreError};
use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::Instant;

/// How long a change node stays, so that every broker can read it (Kafka's 15 minutes).
const CHANGE_LIFE: Duration = Duration::from_secs(15 * 60);

impl Broker {
    /// What is stored for an entity; nothing where there is no node.
    pub async fn stored_config(&self, entity: &ConfigEntity) -> Result<Properties, StoreError> {
        read(self.store.as_ref(), entity).await
    }

    /// What is stored for every entity of a kind (`users`, with their clients; `clients`; `ips`).
    pub async fn stored_configs(
        &self,
        kind: &str,
    ) -> Result<Vec<(ConfigEntity, Properties)>, StoreError> {
        read_all(self.store.as_ref(), kind).await
    }

    /// Stores all the configs of an entity and tells every broker.
    pub async fn store_config(
        &self,
        entity: &ConfigEntity,
        configs: Properties,
    ) -> Result<(), StoreError> {
        write(self.store.as_ref(), entity, configs).await
    }

    /// Deletes change nodes; another broker may have been faster.
    pub(super) async fn purge_changes(&self, paths: Vec<String>) {
        for path in paths {
            let delete = Op::Delete { path, version: None };
            match self.store.commit(vec![delete]).await {
                Ok(_) | Err(StoreError::NoNode(_)) => {}
                Err(error) => tracing::debug!(%error, "cannot delete a change node"),
            }
        }
    }
}

/// Change nodes that this broker has seen, oldest first.
#[derive(Default)]
pub(super) struct SeenChanges(VecDeque<(Instant, String)>);

impl SeenChanges {
    /// Remembers a change node, also one that was just deleted (it is not deleted twice: the
    /// second time it is not there).
    pub(super) fn add(&mut self, path: String, now: Instant) {
        let is_change = path.starts_with(paths::CONFIG_CHANGE_PREFIX);
        if is_change && !self.0.iter().any(|(_, seen)| *seen == path) {
            self.0.push_back((now, path));
        }
    }

    /// Takes out those that everybody has had time to read.
    pub(super) fn outdated(&mut self, now: Instant) -> Vec<String> {
        let old = |(seen, _): &(Instant, String)| now.duration_since(*seen) > CHANGE_LIFE;
        let count = self.0.iter().take_while(|one| old(one)).count();
        self.0.drain(..count).map(|(_, path)| path).collect()
    }
}

/// What is stored for an entity.
async fn read(store: &dyn Store, entity: &ConfigEntity) -> Result<Properties, StoreError> {
    let node = store.get(&entity.path()).await?;
    let Some(data) = node.and_then(|node| node.data) else { return Ok(Properties::new()) };
    match ConfigData::decode(&data) {
        Ok(ConfigData(configs)) => Ok(configs),
        Err(error) => Err(StoreError::Other(format!("{}: {error}", entity.path()))),
    }
}

/// What is stored for the entities of a kind. Names that are none are left out.
async fn read_all(
    store: &dyn Store,
    kind: &str,
) -> Result<Vec<(ConfigEntity, Properties)>, StoreError> {
    let mut entities = Vec::new();
    for name in store.children(&paths::config_type(kind)).await?.unwrap_or_default() {
        let own = format!("{kind}/{name}");
        let clients = match kind {
            "users" => store.children(&format!("{}/{own}/clients", paths::CONFIG)).await?,
            _ => None,
        };
        entities.extend(ConfigEntity::parse(&own));
        let of_clients = clients.into_iter().flatten();
        entities
            .extend(of_clients.filter_map(|c| ConfigEntity::parse(&format!("{own}/clients/{c}"))));
    }
    let mut all = Vec::with_capacity(entities.len());
    for entity in entities {
        match read(store, &entity).await {
            Ok(configs) => all.push((entity, configs)),
            Err(StoreError::Other(error)) => tracing::error!(%error, "unreadable configuration"),
            Err(error) => return Err(error),
        }
    }
    Ok(all)
}

/// Stores the configs, under the controller's eyes as Kafka does, then the change node.
async fn write(
    store: &dyn Store,
    entity: &ConfigEntity,
    configs: Properties,
) -> Result<(), StoreError> {
    let data = Some(ConfigData(configs).encode());
    let set = Op::Set { path: entity.path(), data: data.clone(), version: None };
    let controller = store.get(paths::CONTROLLER).await?;
    let check = controller
        .map(|node| Op::Check { path: paths::CONTROLLER.to_owned(), version: node.stat.version });
    let at = usize::from(check.is_some());
    let ops = check.into_iter().chain([set]).collect();
    match store.commit(ops).await {
        Err(StoreError::NoNode(failed)) if failed == at => {
            create_with_parents(store, &entity.path(), data).await?;
        }
        other => drop(other?),
    }
    let change = Op::Create {
        path: paths::CONFIG_CHANGE_PREFIX.to_owned(),
        data: Some(ConfigChange::of(entity).encode()),
        life: Life::Sequential,
    };
    store.commit(vec![change]).await.map(drop)
}

/// Creates a node, and first those above it that are missing (`/config/users/bob/clients`).
async fn create_with_parents(
    store: &dyn Store,
    path: &str,
    data: Option<bytes::Bytes>,
) -> Result<(), StoreError> {
    let mut missing = Vec::new();
    let mut above = paths::parent_of(path);
    while let Some(parent) = above.filter(|parent| *parent != "/") {
        if store.get(parent).await?.is_some() {
            break;
        }
        missing.push(parent.to_owned());
        above = paths::parent_of(parent);
    }
    while let Some(parent) = missing.pop() {
        let op = Op::Create { path: parent, data: None, life: Life::Persistent };
        match store.commit(vec![op]).await {
            Ok(_) | Err(StoreError::NodeExists(_)) => {}
            Err(error) => return Err(error),
        }
    }
    let op = Op::Create { path: path.to_owned(), data, life: Life::Persistent };
    store.commit(vec![op]).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::embedded;
    use crate::metadata::records::EntityName;

    async fn store() -> (tempfile::TempDir, crate::metadata::store::SharedStore) {
        let dir = tempfile::tempdir().unwrap();
        let store = embedded::open(dir.path()).unwrap();
        for path in [paths::CONFIG, paths::CONFIG_CHANGES] {
            create_with_parents(store.as_ref(), path, None).await.unwrap();
        }
        (dir, store)
    }

    #[tokio::test]
    async fn a_change_is_stored_and_announced() {
        let (_dir, store) = store().await;
        let topic = ConfigEntity::Topic("orders".into());
        let set = Properties::from([("retention.ms".to_owned(), "5".to_owned())]);
        write(store.as_ref(), &topic, set.clone()).await.unwrap();
        assert_eq!(read(store.as_ref(), &topic).await.unwrap(), set);
        write(store.as_ref(), &topic, Properties::new()).await.unwrap();
        let node = store.get("/config/topics/orders").await.unwrap().unwrap();
        assert_eq!(node.data.as_deref(), Some(&br#"{"version":1,"config":{}}"#[..]));
        let change = store.get("/config/changes/config_change_0000000001").await.unwrap().unwrap();
        let text = br#"{"version":2,"entity_path":"topics/orders"}"#;
        assert_eq!(change.data.as_deref(), Some(&text[..]));
    }

    #[test]
    fn a_change_node_is_outdated_after_a_quarter_of_an_hour() {
        let start = Instant::now();
        let path = format!("{}0000000007", paths::CONFIG_CHANGE_PREFIX);
        let mut seen = SeenChanges::default();
        seen.add(path.clone(), start);
        seen.add(path.clone(), start + CHANGE_LIFE);
        seen.add(paths::CONFIG_CHANGES.to_owned(), start);
        assert!(seen.outdated(start + CHANGE_LIFE).is_empty());
        let after = start + CHANGE_LIFE + Duration::from_millis(1);
        assert_eq!(seen.outdated(after), [path]);
        assert!(seen.outdated(after).is_empty());
    }

    #[tokio::test]
    async fn missing_parents_are_made() {
        let (_dir, store) = store().await;
        let name = |text: &str| EntityName::Named(text.into());
        let entity = ConfigEntity::User(name("bob"), Some(name("c1")));
        let set = Properties::from([("producer_byte_rate".to_owned(), "5".to_owned())]);
        write(store.as_ref(), &entity, set.clone()).await.unwrap();
        let path = "/config/users/bob/clients";
        assert_eq!(store.get(path).await.unwrap().unwrap().data, None);
        assert_eq!(read(store.as_ref(), &entity).await.unwrap(), set);
    }
}
