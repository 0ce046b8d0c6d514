//! The APIs: one table, and one file per API with its versions, checks and answers.
//!
//! A handler is `pub async fn handle(&Arc<Broker>, &RequestContext, XRequest) -> XResponse`: what
//! goes wrong is in the response. Handlers run inline on a data thread and must not block. They
//! know nothing of sockets; only the network layer closes connections.

pub mod add_offsets_to_txn;
pub mod add_partitions_to_txn;
pub mod allocate_producer_ids;
pub mod alter_client_quotas;
pub mod alter_configs;
pub mod alter_partition;
pub mod alter_partition_reassignments;
pub mod alter_replica_log_dirs;
pub mod alter_user_scram_credentials;
pub mod api_table;
pub mod api_versions;
pub mod cluster_view;
pub mod configs;
pub mod consumer_group_describe;
pub mod consumer_group_heartbeat;
pub mod context;
pub mod controlled_shutdown;
mod convert;
pub mod create_acls;
pub mod create_delegation_token;
pub mod create_partitions;
pub mod create_topics;
pub mod delete_acls;
pub mod delete_groups;
pub mod delete_records;
pub mod delete_topics;
pub mod describe_acls;
pub mod describe_client_quotas;
pub mod describe_cluster;
pub mod describe_configs;
pub mod describe_delegation_token;
pub mod describe_groups;
pub mod describe_log_dirs;
pub mod describe_producers;
pub mod describe_transactions;
pub mod describe_user_scram_credentials;
mod dispatch;
pub mod elect_leaders;
pub mod end_txn;
pub mod error;
pub mod expire_delegation_token;
pub mod fetch;
pub mod find_coordinator;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod group_tests;
pub mod heartbeat;
pub mod incremental_alter_configs;
pub mod init_producer_id;
pub mod join_group;
pub mod leader_and_isr;
pub mod leave_group;
pub mod list_groups;
pub mod list_offsets;
pub mod list_partition_reassignments;
pub mod list_transactions;
pub mod lookup;
pub mod messages;
pub mod metadata;
pub mod offset_commit;
pub mod offset_delete;
pub mod offset_fetch;
pub mod offset_for_leader_epoch;
mod old_offsets;
pub mod produce;
pub mod renew_delegation_token;
pub mod reply;
pub mod sasl_authenticate;
pub mod sasl_handshake;
pub mod stop_replica;
pub mod sync_group;
mod text_repair;
pub mod throttle;
pub mod throttle_field;
#[cfg(test)]
mod transaction_tests;
pub mod txn_offset_commit;
pub mod update_features;
pub mod update_metadata;
pub mod write_txn_markers;

pub use context::RequestContext;
pub use dispatch::{Dispatch, GroupEnd, RequestError, Served};
pub use reply::{Part, Reply};

#[cfg(test)]
mod data_path_tests;
