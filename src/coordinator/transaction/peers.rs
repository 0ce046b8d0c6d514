//! Connections to other brokers by their id, at the listener that brokers use among themselves.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::metadata::image::Published;
use crate::peer::{Peer, PeerOptions};
use crate::types::BrokerId;

/// Peers by broker id, made when first asked for.
pub struct BrokerPeers {
    image: Arc<Published>,
    listener: Arc<str>,
    options: PeerOptions,
    known: Mutex<HashMap<BrokerId, Arc<Peer>>>,
}

impl BrokerPeers {
    /// None yet; `listener` is that of `inter.broker.listener.name`.
    pub fn new(image: Arc<Published>, listener: Arc<str>, options: PeerOptions) -> Self {
        BrokerPeers { image, listener, options, known: Mutex::default() }
    }

    /// The live broker, if the image has it at the listener.
    pub fn get(&self, id: BrokerId) -> Option<Arc<Peer>> {
        let image = self.image.load();
        let live = image.brokers.get(&id)?;
        let endpoint = live.endpoints.iter().find(|e| *e.listener == *self.listener)?;
        let address = format!("{}:{}", endpoint.host, endpoint.port);
        let mut known = self.known.lock();
        if let Some(peer) = known.get(&id).filter(|peer| peer.address() == address) {
            return Some(peer.clone());
        }
        let peer = Peer::new(&*endpoint.host, endpoint.port, self.options.clone());
        let peer = Arc::new(peer);
        known.insert(id, peer.clone());
        Some(peer)
    }
}
