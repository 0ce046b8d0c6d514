//! The table of APIs: a row is the truth about an API and its versions.
//!
//! A row makes the ApiVersions answer, the version check (against the codec's at compile time),
//! decode, call and encode. Kinds of rows:
//!
//! * `XRequest 0..=4 => x;` calls `x::handle(&broker, &context, request).await -> XResponse`;
//! * `XRequest 0..=4 => x checked;` calls `x::check(&context, &request)` first, which says why the
//!   request is one that Kafka cannot read: the connection is closed;
//! * `XRequest 0..=4 => x closing;` calls `x::handle`, which gives `None` to close the connection;
//! * `XRequest 0..=4 => x raw;` the first again, but it returns a [`Reply`]: the body in pieces;
//! * `XRequest 0..=4 => x group;` calls `x::handle_group(&broker, &[context], Vec<request>)`;
//! * `XRequest 0..=0 => refused;` is listed, and closes the connection.
//!
//! [`Reply`]: super::Reply

use super::dispatch;

/// Declares a table, a unit struct that is a [`Dispatch`](super::Dispatch), for handlers that get
/// this type of broker.
macro_rules! api_table {
    ($(#[$meta:meta])* $table:ident for $broker:ty {
        $($request:ident $min:literal ..= $max:literal => $handler:ident $($kind:ident)?;)*
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default)]
        pub struct $table;

        const _: () = {
            use $crate::handlers::messages::*;
            use kafka_protocol::protocol::Message;
            $(assert!(
                <$request as Message>::VERSIONS.min <= $min
                    && $max <= <$request as Message>::VERSIONS.max
                    && $min <= $max,
                concat!(stringify!($request), ": versions that the codec does not have"),
            );)*
        };

        impl $table {
            /// The rows, by ascending key.
            pub const APIS: &'static [$crate::handlers::api_table::Api] = {
                use $crate::handlers::messages::*;
                use kafka_protocol::protocol::{HeaderVersion, Request};
                &[$($crate::handlers::api_table::Api {
                    key: <$request as Request>::KEY,
                    name: stringify!($request),
                    min: $min,
                    max: $max,
                    header_version: <$request as HeaderVersion>::header_version,
                }),*]
            };
        }

        impl $crate::handlers::Dispatch for $table {
            type Broker = $broker;

            fn apis(&self) -> &'static [$crate::handlers::api_table::Api] {
                Self::APIS
            }

            fn is_grouped(&self, api_key: i16) -> bool {
                use $crate::handlers::messages::*;
                use kafka_protocol::protocol::Request;
                match api_key {
                    $(<$request as Request>::KEY =>
                        $crate::handlers::api_table::is_group_kind!($($kind)?),)*
                    _ => false,
                }
            }

            async fn serve(
                &self,
                broker: &std::sync::Arc<$broker>,
                context: &$crate::handlers::RequestContext,
                body: bytes::Bytes,
                out: &mut bytes::BytesMut,
            ) -> Result<$crate::handlers::Served, $crate::handlers::RequestError> {
                use $crate::handlers::messages::*;
                use kafka_protocol::protocol::Request;
                match context.api_key {
                    $(<$request as Request>::KEY => {
                        $crate::handlers::api_table::check_version(context, $min, $max)?;
                        $crate::handlers::api_table::serve_row!(
                            broker context body out $request $handler $($kind)?)
                    })*
                    key => Err($crate::handlers::RequestError::UnknownApi(key)),
                }
            }

            async fn serve_group(
                &self,
                broker: &std::sync::Arc<$broker>,
                contexts: Vec<$crate::handlers::RequestContext>,
                bodies: Vec<bytes::Bytes>,
                out: &mut bytes::BytesMut,
            ) -> $crate::handlers::GroupEnd {
                use $crate::handlers::messages::*;
                use kafka_protocol::protocol::Request;
                match contexts.first().map_or(-1, |c| c.api_key) {
                    $(<$request as Request>::KEY =>
                        $crate::handlers::api_table::serve_group_row!(
                            broker contexts bodies out $handler $($kind)?),)*
                    key => $crate::handlers::GroupEnd::Broken(
                        0, $crate::handlers::RequestError::UnknownApi(key)),
                }
            }
        }
    };
}

macro_rules! is_group_kind {
    (group) => {
        true
    };
    ($($other:ident)?) => {
        false
    };
}

macro_rules! serve_row {
    ($broker:ident $context:ident $body:ident $out:ident $request:ident refused) => {{
        let _ = ($broker, $body, $out);
        Err($crate::handlers::RequestError::Refused($context.api_key))
    }};
    ($broker:ident $context:ident $body:ident $out:ident $request:ident $handler:ident) => {{
        let request: $request = $crate::handlers::api_table::decode($context, $body)?;
        let response = Box::pin($handler::handle($broker, $context, request)).await;
        $crate::handlers::api_table::encode($context, &response, $out)?;
        Ok($crate::handlers::Served::Written)
    }};
    (
        $broker:ident $context:ident $body:ident $out:ident $request:ident $handler:ident checked
    ) => {{
        let request: $request = $crate::handlers::api_table::decode($context, $body)?;
        $handler::check($context, &request)
            .map_err(|reason| $crate::handlers::api_table::malformed($context, reason))?;
        let response = Box::pin($handler::handle($broker, $context, request)).await;
        $crate::handlers::api_table::encode($context, &response, $out)?;
        Ok($crate::handlers::Served::Written)
    }};
    (
        $broker:ident $context:ident $body:ident $out:ident $request:ident $handler:ident closing
    ) => {{
        let request: $request = $crate::handlers::api_table::decode($context, $body)?;
        match Box::pin($handler::handle($broker, $context, request)).await {
            Some(response) => {
                $crate::handlers::api_table::encode($context, &response, $out)?;
                Ok($crate::handlers::Served::Written)
            }
            None => Ok($crate::handlers::Served::Close),
        }
    }};
    ($broker:ident $context:ident $body:ident $out:ident $request:ident $handler:ident raw) => {{
        type Response = <$request as Request>::Response;
        let request: $request = $crate::handlers::api_table::decode($context, $body)?;
        let reply: $crate::handlers::Reply =
            Box::pin($handler::handle($broker, $context, request)).await;
        $crate::handlers::api_table::encode_head::<Response>($context, reply.len(), $out);
        Ok($crate::handlers::Served::Body(reply))
    }};
    ($broker:ident $context:ident $body:ident $out:ident $request:ident $handler:ident group) => {{
        use $crate::handlers::GroupEnd;
        let (contexts, bodies) = (vec![$context.clone()], vec![$body]);
        let len = $out.len();
        match $crate::handlers::api_table::dispatch_group!($broker contexts bodies $out $handler) {
            GroupEnd::Open if $out.len() == len => Ok($crate::handlers::Served::Nothing),
            GroupEnd::Open => Ok($crate::handlers::Served::Written),
            GroupEnd::Close => Ok($crate::handlers::Served::Close),
            GroupEnd::Broken(_, error) => Err(error),
        }
    }};
}

#[allow(unused_macros, reason = "a table need not have a grouped row")]
macro_rules! dispatch_group {
    ($broker:ident $contexts:ident $bodies:ident $out:ident $handler:ident) => {
        Box::pin($crate::handlers::api_table::serve_produce_group(
            $contexts,
            $bodies,
            $out,
            async |contexts: &[$crate::handlers::RequestContext], requests| {
                $handler::handle_group($broker, contexts, requests).await
            },
        ))
        .await
    };
}

macro_rules! serve_group_row {
    ($broker:ident $contexts:ident $bodies:ident $out:ident $handler:ident group) => {
        $crate::handlers::api_table::dispatch_group!($broker $contexts $bodies $out $handler)
    };
    ($broker:ident $contexts:ident $bodies:ident $out:ident $handler:ident $($kind:ident)?) => {{
        let _ = ($broker, $bodies, $out);
        let key = $contexts.first().map_or(-1, |c| c.api_key);
        $crate::handlers::GroupEnd::Broken(0, $crate::handlers::RequestError::UnknownApi(key))
    }};
}

pub use dispatch::{Api, decode, encode, encode_head, serve_produce_group};
#[allow(unused_imports, reason = "a table need not have a row of every kind")]
pub(crate) use {api_table, dispatch_group, is_group_kind, serve_group_row, serve_row};

// A handler is named in its row and nowhere else.
#[allow(clippy::wildcard_imports)]
use super::*;
use crate::broker::Broker;

/// Whether the request's version is one of `min..=max`.
pub fn check_version(context: &RequestContext, min: i16, max: i16) -> Result<(), RequestError> {
    if (min..=max).contains(&context.api_version) {
        return Ok(());
    }
    Err(RequestError::UnsupportedVersion { key: context.api_key, version: context.api_version })
}

/// A request that can be decoded and not be read.
pub fn malformed(context: &RequestContext, reason: &str) -> RequestError {
    let (key, version) = (context.api_key, context.api_version);
    RequestError::Malformed { key, version, reason: reason.to_owned() }
}

api_table! {
    /// The APIs of this broker. One row a line, by ascending key.
    ApiTable for Broker {
        // request                          versions  handler
        ProduceRequest                      0..=11  => produce group;
        FetchRequest                        0..=17  => fetch raw;
        ListOffsetsRequest                  0..=9   => list_offsets;
        MetadataRequest                     0..=12  => metadata checked;
        LeaderAndIsrRequest                 0..=7   => leader_and_isr;
        StopReplicaRequest                  0..=4   => stop_replica;
        UpdateMetadataRequest               0..=8   => update_metadata;
        ControlledShutdownRequest           0..=3   => controlled_shutdown;
        OffsetCommitRequest                 0..=9   => offset_commit;
        OffsetFetchRequest                  0..=9   => offset_fetch checked;
        FindCoordinatorRequest              0..=6   => find_coordinator;
        JoinGroupRequest                    0..=9   => join_group;
        HeartbeatRequest                    0..=4   => heartbeat;
        LeaveGroupRequest                   0..=5   => leave_group;
        SyncGroupRequest                    0..=5   => sync_group;
        DescribeGroupsRequest               0..=5   => describe_groups;
        ListGroupsRequest                   0..=5   => list_groups;
        SaslHandshakeRequest                0..=1   => sasl_handshake;
        ApiVersionsRequest                  0..=4   => api_versions;
        CreateTopicsRequest                 0..=7   => create_topics;
        DeleteTopicsRequest                 0..=6   => delete_topics;
        DeleteRecordsRequest                0..=2   => delete_records;
        InitProducerIdRequest               0..=5   => init_producer_id;
        OffsetForLeaderEpochRequest         0..=4   => offset_for_leader_epoch;
        AddPartitionsToTxnRequest           0..=5   => add_partitions_to_txn;
        AddOffsetsToTxnRequest              0..=4   => add_offsets_to_txn;
        EndTxnRequest                       0..=4   => end_txn;
        WriteTxnMarkersRequest              0..=1   => write_txn_markers;
        TxnOffsetCommitRequest              0..=4   => txn_offset_commit;
        DescribeAclsRequest                 0..=3   => describe_acls checked;
        CreateAclsRequest                   0..=3   => create_acls checked;
        DeleteAclsRequest                   0..=3   => delete_acls checked;
        DescribeConfigsRequest              0..=4   => describe_configs;
        AlterConfigsRequest                 0..=2   => alter_configs closing;
        AlterReplicaLogDirsRequest          0..=2   => alter_replica_log_dirs;
        DescribeLogDirsRequest              0..=4   => describe_log_dirs;
        SaslAuthenticateRequest             0..=2   => sasl_authenticate;
        CreatePartitionsRequest             0..=3   => create_partitions;
        CreateDelegationTokenRequest        0..=3   => create_delegation_token;
        RenewDelegationTokenRequest         0..=2   => renew_delegation_token;
        ExpireDelegationTokenRequest        0..=2   => expire_delegation_token;
        DescribeDelegationTokenRequest      0..=3   => describe_delegation_token;
        DeleteGroupsRequest                 0..=2   => delete_groups;
        ElectLeadersRequest                 0..=2   => elect_leaders;
        IncrementalAlterConfigsRequest      0..=1   => incremental_alter_configs;
        AlterPartitionReassignmentsRequest  0..=0   => alter_partition_reassignments;
        ListPartitionReassignmentsRequest   0..=0   => list_partition_reassignments;
        OffsetDeleteRequest                 0..=0   => offset_delete;
        DescribeClientQuotasRequest         0..=1   => describe_client_quotas;
        AlterClientQuotasRequest            0..=1   => alter_client_quotas;
        DescribeUserScramCredentialsRequest 0..=0   => describe_user_scram_credentials;
        AlterUserScramCredentialsRequest    0..=0   => alter_user_scram_credentials;
        AlterPartitionRequest               0..=3   => alter_partition;
        UpdateFeaturesRequest               0..=1   => update_features;
        EnvelopeRequest                     0..=0   => refused;
        DescribeClusterRequest              0..=1   => describe_cluster;
        DescribeProducersRequest            0..=0   => describe_producers;
        DescribeTransactionsRequest         0..=0   => describe_transactions;
        ListTransactionsRequest             0..=1   => list_transactions;
        AllocateProducerIdsRequest          0..=0   => allocate_producer_ids;
        ConsumerGroupHeartbeatRequest       0..=1   => consumer_group_heartbeat;
        ConsumerGroupDescribeRequest        0..=1   => consumer_group_describe;
    }
}

#[cfg(test)]
mod tests;
