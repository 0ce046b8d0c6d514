//! The producers of a history, and what each may be told: who is fenced is never served again, and
//! what was answered holds.

use super::cluster::Cluster;
use super::*;
use std::collections::{BTreeMap, BTreeSet};

/// One request of a producer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// InitProducerId without a past.
    Take,
    /// InitProducerId as the one that it is (KIP-360).
    Renew,
    /// AddPartitionsToTxn.
    Add(i32),
    /// A write to a partition, verified if need be.
    Write(i32),
    /// EndTxn; repeated with the first outcome until the answer is definite.
    End(Outcome),
}

/// What a producer knows of itself.
#[derive(Default)]
struct Client {
    producer: Option<Producer>,
    /// Number of its transaction in the history, once a partition was added.
    number: Option<u64>,
    added: BTreeSet<i32>,
    ending: Option<Outcome>,
    is_busy: bool,
}

/// All producers and what they were told.
#[derive(Default)]
pub struct Book {
    clients: Vec<Client>,
    /// Each answer to InitProducerId, with what was asked.
    given: Vec<(Option<Producer>, Producer)>,
    numbers: u64,
    /// Ends that were answered with success.
    pub told: BTreeMap<u64, Outcome>,
    /// How many answers were successes, by kind: a history in which nothing works shows nothing.
    pub successes: BTreeMap<&'static str, u64>,
}

fn order(producer: Producer) -> (i64, i16) {
    (producer.id, producer.epoch)
}

impl Book {
    pub fn with_clients(count: usize) -> Arc<Mutex<Book>> {
        let clients = (0..count).map(|_| Client::default()).collect();
        Arc::new(Mutex::new(Book { clients, ..Book::default() }))
    }

    pub fn is_idle(&self) -> bool {
        self.clients.iter().all(|client| !client.is_busy)
    }

    pub fn is_busy(&self, client: usize) -> bool {
        self.clients[client].is_busy
    }

    /// The client that has the transactional id, as far as it was told.
    pub fn holder(&self) -> Option<usize> {
        let newest = self.newest();
        self.clients.iter().position(|c| c.producer.is_some() && c.producer == newest)
    }

    fn newest(&self) -> Option<Producer> {
        self.given.iter().map(|(_, producer)| *producer).max_by_key(|p| order(*p))
    }

    fn count(&mut self, what: &'static str) {
        *self.successes.entry(what).or_default() += 1;
    }

    /// Epochs only grow; the same answer only to the same question.
    fn take(&mut self, client: usize, asked: Option<Producer>, got: Producer) -> Option<String> {
        let again = asked.is_some() && self.given.contains(&(asked, got));
        let grows = self.newest().is_none_or(|newest| order(newest) < order(got));
        self.given.push((asked, got));
        let is_busy = self.clients[client].is_busy;
        self.clients[client] = Client { producer: Some(got), is_busy, ..Client::default() };
        self.count("init");
        (!grows && !again).then(|| format!("{got:?} was given after {:?}", self.given))
    }
}

/// Asks and takes the answer to the book; what must not be is told to the cluster.
pub async fn ask(
    coordinator: Arc<TransactionCoordinator>,
    cluster: Arc<Cluster>,
    book: Arc<Mutex<Book>>,
    client: usize,
    ask: Ask,
    timeout_ms: i32,
) {
    let newest = {
        let mut book = book.lock();
        book.clients[client].is_busy = true;
        book.newest()
    };
    let producer = book.lock().clients[client].producer;
    let served = match (ask, producer) {
        (Ask::Take, _) => take(&coordinator, &cluster, &book, client, None, timeout_ms).await,
        (Ask::Renew, Some(p)) => {
            take(&coordinator, &cluster, &book, client, Some(p), timeout_ms).await
        }
        (Ask::Add(index), Some(p)) => add(&coordinator, &book, client, p, index).await,
        (Ask::Write(index), Some(p)) => write(&coordinator, &cluster, &book, client, p, index),
        (Ask::End(outcome), Some(p)) => end(&coordinator, &book, client, p, outcome).await,
        (_, None) => false,
    };
    let is_fenced = producer.zip(newest).is_some_and(|(own, newest)| order(own) < order(newest));
    if served && is_fenced && ask != Ask::Take {
        cluster.blame(format!("{producer:?} was served {ask:?} after {newest:?}"));
    }
    book.lock().clients[client].is_busy = false;
}

async fn take(
    coordinator: &Arc<TransactionCoordinator>,
    cluster: &Cluster,
    book: &Mutex<Book>,
    client: usize,
    expected: Option<Producer>,
    timeout_ms: i32,
) -> bool {
    let request = InitRequest { transactional_id: ID.into(), timeout_ms, expected };
    match coordinator.init(request).await {
        Ok(got) => {
            if let Some(wrong) = book.lock().take(client, expected, got) {
                cluster.blame(wrong);
            }
            // The same answer again is no service to one that is fenced by its own renewal.
            !book.lock().given.contains(&(expected, got))
        }
        Err(TransactionError::ProducerFenced) => {
            book.lock().clients[client].producer = None;
            false
        }
        Err(_) => false,
    }
}

async fn add(
    coordinator: &TransactionCoordinator,
    book: &Mutex<Book>,
    client: usize,
    producer: Producer,
    index: i32,
) -> bool {
    let result = coordinator.add_partitions(ID, producer, vec![partition(index)]).await;
    let book = &mut *book.lock();
    if result.is_ok() {
        let own = &mut book.clients[client];
        if own.number.is_none() {
            own.number = Some(book.numbers);
            book.numbers += 1;
        }
        own.added.insert(index);
        book.count("add");
    }
    if result == Err(TransactionError::ProducerFenced) {
        book.clients[client].producer = None;
    }
    result.is_ok()
}

fn write(
    coordinator: &TransactionCoordinator,
    cluster: &Cluster,
    book: &Mutex<Book>,
    client: usize,
    producer: Producer,
    index: i32,
) -> bool {
    let book = &mut *book.lock();
    let own = &book.clients[client];
    let Some(number) = own.number.filter(|_| own.added.contains(&index)) else { return false };
    let is_open = cluster.is_open(index, producer);
    let verified = || coordinator.verify(ID, producer, &[partition(index)]) == Ok(vec![true]);
    let served = !is_open && verified();
    if is_open || served {
        cluster.write(index, producer, number);
        book.count("write");
    }
    served
}

async fn end(
    coordinator: &Arc<TransactionCoordinator>,
    book: &Mutex<Book>,
    client: usize,
    producer: Producer,
    outcome: Outcome,
) -> bool {
    let result = coordinator.end(ID, producer, outcome).await;
    let book = &mut *book.lock();
    let own = &mut book.clients[client];
    match result {
        Ok(()) => {
            if let Some(number) = own.number.take() {
                book.told.insert(number, outcome);
            }
            own.added.clear();
            own.ending = None;
            book.count("end");
        }
        Err(TransactionError::ProducerFenced) => own.producer = None,
        Err(TransactionError::InvalidState) => {
            own.number = None;
            own.added.clear();
            own.ending = None;
        }
        // Perhaps it is decided: the same is asked again.
        Err(_) => own.ending = Some(outcome),
    }
    result.is_ok()
}

/// What the producer would ask next.
pub fn draw(book: &Mutex<Book>, client: usize, random: &mut StdRng) -> Ask {
    let book = book.lock();
    let own = &book.clients[client];
    let outcome = if random.random_bool(0.6) { Outcome::Commit } else { Outcome::Abort };
    let index = random.random_range(0..PARTITIONS);
    let added = own.added.iter().nth(random.random_range(0..own.added.len().max(1))).copied();
    match (random.random_range(0..100), own.ending) {
        _ if own.producer.is_none() => Ask::Take,
        (0..2, _) => Ask::Take,
        (2..5, _) => Ask::Renew,
        (_, Some(first)) => Ask::End(first),
        (5..35, None) => Ask::Add(index),
        (35..80, None) => Ask::Write(added.unwrap_or(index)),
        _ => Ask::End(outcome),
    }
}
