//! Real channels: a [`Peer`] each, to the listener that the controller speaks to.

use super::channel::{BrokerChannel, Channels, Push, PushReply};
use super::settings::SettingsSource;
use crate::metadata::image::BrokerNode;
use crate::peer::{Peer, PeerOptions};
use async_trait::async_trait;
use std::sync::Arc;

/// Versions of the pushed requests at IBP 3.4 to 3.9.
const LEADER_AND_ISR: i16 = 7;
const UPDATE_METADATA: i16 = 8;
const STOP_REPLICA: i16 = 4;

/// Channels over peer connections.
pub struct PeerChannels {
    settings: SettingsSource,
    options: PeerOptions,
}

impl PeerChannels {
    /// Channels with these options; which listener they go to is in the settings.
    pub fn new(settings: SettingsSource, options: PeerOptions) -> Self {
        PeerChannels { settings, options }
    }
}

impl Channels for PeerChannels {
    fn open(&self, broker: &BrokerNode) -> Arc<dyn BrokerChannel> {
        let listener = (self.settings)().listener;
        let endpoint = broker.endpoints.iter().find(|e| *e.listener == *listener);
        let peer = endpoint.map(|e| Peer::new(e.host.clone(), e.port, self.options.clone()));
        Arc::new(PeerChannel { peer })
    }
}

struct PeerChannel {
    peer: Option<Peer>,
}

#[async_trait]
impl BrokerChannel for PeerChannel {
    async fn push(&self, request: Push) -> Result<PushReply, String> {
        let peer =
            self.peer.as_ref().ok_or("the broker does not have the inter-broker listener")?;
        match request {
            Push::LeaderAndIsr(request) => {
                peer.send(LEADER_AND_ISR, request).await.map(PushReply::LeaderAndIsr)
            }
            Push::UpdateMetadata(request) => peer
                .send(UPDATE_METADATA, request)
                .await
                .map(|response| PushReply::UpdateMetadata(response.error_code)),
            Push::StopReplica(request) => {
                peer.send(STOP_REPLICA, request).await.map(PushReply::StopReplica)
            }
        }
        .map_err(|error| error.to_string())
    }
}
