//! What handlers do for the quotas of clients: count, and say for how long the client is to be
//! quiet, both in the answer and to the connection (KIP-219, KIP-599).

use super::RequestContext;
use crate::broker::Broker;
use crate::controller::ControllerError;
use crate::quota::table::Limited;
use std::cell::Cell;
use std::time::Duration;

/// Requests among brokers, whose time is nobody's quota.
const EXEMPT: &[i16] = &[4, 5, 6, 7, 27, 56, 67];

/// A broker that charges clients for the time of its threads.
pub trait Charge {
    /// Whether time is to be measured at all.
    fn charges(&self) -> bool {
        false
    }

    /// Charges a client for a request that kept a thread busy for so long, and mutes its
    /// connection if it is over its quota; for so many milliseconds.
    fn charge(&self, context: &RequestContext, busy: Duration) -> i32 {
        let _ = (context, busy);
        0
    }
}

/// Charges nobody: for tables of tests.
impl Charge for () {}

impl Charge for Broker {
    fn charges(&self) -> bool {
        self.quotas.is_active(Limited::Request)
    }

    fn charge(&self, context: &RequestContext, busy: Duration) -> i32 {
        if EXEMPT.contains(&context.api_key) || context.throttle.take_exempt() {
            return 0;
        }
        let percent = busy.as_secs_f64() * 100.0;
        mute(context, record(self, context, Limited::Request, percent))
    }
}

/// Counts what the client of a request used; how long it has to be quiet.
pub fn record(
    broker: &Broker,
    context: &RequestContext,
    limited: Limited,
    amount: f64,
) -> Duration {
    broker.quotas.record(limited, &context.principal.name, context.client_id(), amount)
}

/// Mutes the connection; the same as the milliseconds of an answer.
pub fn mute(context: &RequestContext, quiet: Duration) -> i32 {
    context.throttle.mute_for(quiet);
    i32::try_from(quiet.as_millis()).unwrap_or(i32::MAX)
}

/// The quota on partitions created and deleted, for one request.
pub struct Mutations<'a> {
    broker: &'a Broker,
    context: &'a RequestContext,
    is_strict: bool,
    quiet: Cell<Duration>,
}

impl<'a> Mutations<'a> {
    /// From version `strict_since` on a client over its quota is refused; before, only muted.
    pub fn of(broker: &'a Broker, context: &'a RequestContext, strict_since: i16) -> Self {
        let is_strict = context.api_version >= strict_since;
        Mutations { broker, context, is_strict, quiet: Cell::default() }
    }

    /// Whether another change is allowed.
    pub fn is_allowed(&self) -> bool {
        !self.is_strict || self.record(0).is_zero()
    }

    /// The refusal of a change that was not allowed; it mutes the client.
    pub fn refuse(&self) -> ControllerError {
        self.quiet.set(self.quiet.get().max(self.record(0)));
        ControllerError::ThrottlingQuotaExceeded
    }

    /// Counts changed partitions. A strict client is muted only once something was refused to it.
    pub fn count(&self, partitions: usize) {
        let quiet = self.record(partitions);
        if !self.is_strict {
            self.quiet.set(self.quiet.get().max(quiet));
        }
    }

    /// Mutes the connection if the client is over its quota; the milliseconds for the answer.
    pub fn throttle_ms(&self) -> i32 {
        mute(self.context, self.quiet.get())
    }

    fn record(&self, partitions: usize) -> Duration {
        record(self.broker, self.context, Limited::Mutation, partitions as f64)
    }
}
