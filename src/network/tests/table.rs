//! Handlers that wait, panic and send files on request.

use std::collections::HashMap;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, LazyLock};

use kafka_protocol::messages::{
    FetchRequest, HeartbeatRequest, HeartbeatResponse, MetadataRequest, ProduceRequest,
    ProduceResponse,
};
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use crate::handlers::api_table::api_table;
use crate::handlers::{Reply, RequestContext};

api_table! {
    /// Heartbeat waits at the gate named by its group and mutes for its generation in ms;
    /// Metadata panics; Fetch sends a file.
    TestTable for () {
        ProduceRequest         0..=11 => produce group;
        FetchRequest           0..=17 => fetch raw;
        MetadataRequest        0..=12 => metadata;
        HeartbeatRequest       0..=4  => heartbeat;
        ApiVersionsRequest     0..=4  => api_versions;
        EnvelopeRequest        0..=0  => refused;
    }
}

/// Where a request waits until a test lets it go on.
#[derive(Clone)]
pub struct Gate {
    pub reached: Arc<Semaphore>,
    pub open: Arc<Semaphore>,
    pub passed: Arc<Semaphore>,
}

/// The gate of this name.
pub fn gate(name: &str) -> Gate {
    static GATES: LazyLock<Mutex<HashMap<String, Gate>>> = LazyLock::new(Mutex::default);
    let closed = || Arc::new(Semaphore::new(0));
    let new = || Gate { reached: closed(), open: closed(), passed: closed() };
    GATES.lock().entry(name.to_owned()).or_insert_with(new).clone()
}

/// Waits for a semaphore on a thread without a runtime.
pub fn await_permit(semaphore: &Semaphore) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(semaphore.acquire()).unwrap().forget();
}

/// The request that waits at gate `name`; with an empty name it does not wait.
pub fn heartbeat_at(name: &str) -> HeartbeatRequest {
    use kafka_protocol::protocol::StrBytes;
    HeartbeatRequest::default().with_group_id(StrBytes::from_string(name.to_owned()).into())
}

mod heartbeat {
    use super::*;

    pub async fn handle(
        _: &Arc<()>,
        context: &RequestContext,
        request: HeartbeatRequest,
    ) -> HeartbeatResponse {
        if let Ok(millis) = u64::try_from(request.generation_id) {
            context.throttle.mute_for(std::time::Duration::from_millis(millis));
        }
        if !request.group_id.is_empty() {
            let gate = gate(&request.group_id);
            gate.reached.add_permits(1);
            gate.open.acquire().await.unwrap().forget();
            gate.passed.add_permits(1);
        }
        HeartbeatResponse::default()
    }
}

mod api_versions {
    use kafka_protocol::messages::{ApiVersionsRequest, ApiVersionsResponse};

    use super::*;

    pub async fn handle(
        _: &Arc<()>,
        context: &RequestContext,
        request: ApiVersionsRequest,
    ) -> ApiVersionsResponse {
        crate::handlers::api_versions::answer(context, &request)
    }
}

mod metadata {
    use kafka_protocol::messages::MetadataResponse;

    use super::*;

    pub async fn handle(_: &Arc<()>, _: &RequestContext, _: MetadataRequest) -> MetadataResponse {
        panic!("a fault in a handler");
    }
}

/// The byte at `position` of every file that is sent.
pub fn file_byte(position: usize) -> u8 {
    (position % 251) as u8
}

mod fetch {
    use super::*;

    /// `head`, then min_bytes of a file from position 5, `mid`, max_bytes of it, `end`.
    pub async fn handle(_: &Arc<()>, _: &RequestContext, request: FetchRequest) -> Reply {
        let (first, second) = (request.min_bytes as usize, request.max_bytes as usize);
        let file = tempfile::tempfile().unwrap();
        let bytes: Vec<u8> = (0..first.max(second) + 5).map(file_byte).collect();
        file.write_all_at(&bytes, 0).unwrap();
        let file = Arc::new(file);
        let mut reply = Reply::default();
        reply.push_bytes("head");
        reply.push_file(file.clone(), 5, first);
        reply.push_bytes("mid");
        reply.push_file(file, 5, second);
        reply.push_bytes("end");
        reply
    }
}

mod produce {
    use super::*;

    /// Answers with the size of the group; timeout 1 stands for an error.
    pub async fn handle_group(
        _: &Arc<()>,
        _: &[RequestContext],
        requests: Vec<ProduceRequest>,
    ) -> Vec<Option<ProduceResponse>> {
        let answer = ProduceResponse::default().with_throttle_time_ms(requests.len() as i32);
        let answered = |r: &ProduceRequest| r.acks != 0 || r.timeout_ms == 1;
        requests.iter().map(|r| answered(r).then(|| answer.clone())).collect()
    }
}
