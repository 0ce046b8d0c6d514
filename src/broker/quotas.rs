//! The quotas that the store holds, put in force at start and whenever they change.
//!
//! As Kafka's `ClientIdConfigHandler`, `UserConfigHandler` and `IpConfigHandler`.

use super::Broker;
use crate::metadata::records::ConfigEntity;
use crate::quota::table::QuotaTable;

impl Broker {
    /// Reads all quotas.
    pub(super) async fn load_quotas(&self) {
        let mut table = QuotaTable::default();
        for kind in ["users", "clients", "ips"] {
            match self.stored_configs(kind).await {
                Ok(stored) => {
                    stored.into_iter().for_each(|(entity, configs)| table.set(entity, &configs));
                }
                Err(error) => {
                    tracing::error!(kind, %error, "cannot read quotas");
                    return;
                }
            }
        }
        self.quotas.replace(table);
        self.apply_connection_rates().await;
    }

    /// Reads the quotas of one entity.
    pub(super) async fn load_quota(&self, entity: ConfigEntity) {
        let of_address = matches!(entity, ConfigEntity::Ip(_));
        match self.stored_config(&entity).await {
            Ok(configs) => self.quotas.set(vec![(entity, configs)]),
            Err(error) => tracing::error!(%error, "cannot read a quota"),
        }
        if of_address {
            self.apply_connection_rates().await;
        }
    }

    async fn apply_connection_rates(&self) {
        let table = self.quotas.table();
        // Host names may have to be looked up.
        let rates = tokio::task::spawn_blocking(move || table.connection_rates()).await;
        if let Ok((every, own)) = rates {
            self.connections.set_address_rates(every, own);
        }
    }
}
