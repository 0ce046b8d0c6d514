//! Names of configuration keys that are not declared: the forms Kafka reads outside its
//! `ConfigDef`, per-listener prefixes, and what an unknown name was probably meant to be.

use super::key;

/// Keys that may be set for one SASL mechanism of one listener.
const MECHANISM_KEYS: &[&str] = &[
    "sasl.jaas.config",
    "sasl.login.callback.handler.class",
    "sasl.login.class",
    "sasl.server.callback.handler.class",
    "connections.max.reauth.ms",
];

/// Undeclared names that Kafka's own parts read, and prefixes (ending in a dot).
const OUTSIDE: &[&str] = &[
    "allow.everyone.if.no.acl.found",
    "super.users",
    "authorizer.zookeeper.url",
    "authorizer.zookeeper.connection.timeout.ms",
    "authorizer.zookeeper.session.timeout.ms",
    "authorizer.zookeeper.max.in.flight.requests",
    "authorizer.zookeeper.ssl.",
    "listener.name.",
    "config.providers",
    "config.providers.",
    "metrics.jmx.include",
    "metrics.jmx.exclude",
    "metrics.jmx.whitelist",
    "metrics.jmx.blacklist",
    "kafka.csv.metrics.dir",
    "kafka.csv.metrics.reporter.enabled",
    "rsm.config.",
    "rlmm.config.",
    "leader.replication.throttled.rate",
    "follower.replication.throttled.rate",
    "replica.alter.log.dirs.io.max.bytes.per.second",
];

/// Letters that may be wrong in a name for it to be taken for a known one.
const WRONG_LETTERS: usize = 2;

/// What a name in a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// A declared key.
    Declared,
    /// A name that Kafka reads without declaring it.
    Outside,
    /// Unknown, and spelt almost like this key.
    Misspelt(&'static str),
    /// Unknown; a plug-in's perhaps.
    Unknown,
}

/// What a name in a file is.
///
/// Kafka ignores names that it does not know, with a warning, since plug-ins, clients inside the
/// broker and other releases have theirs in the same file. But a name that is nearly a known one
/// is a mistake, and what it was to set stays at its default for as long as nobody notices; so it
/// is refused. Example: `num.partition`, `NUM_PARTITIONS`, and everything unknown below `ottla.`.
pub(super) fn look_up(name: &str) -> Known {
    if key::find(name).is_some() {
        return Known::Declared;
    }
    let outside =
        |known: &&str| name == *known || (known.ends_with('.') && name.starts_with(*known));
    if OUTSIDE.iter().any(outside) {
        return Known::Outside;
    }
    let plain = plain(name);
    let own = is_own(&plain);
    let allowed = if own { usize::MAX } else { WRONG_LETTERS };
    let others = key::all().iter().map(|key| key.name).filter(|known| own == is_own(known));
    let nearest = others.map(|known| (distance(&plain, known), known)).min();
    match nearest {
        Some((edits, known)) if edits <= allowed => Known::Misspelt(known),
        _ => Known::Unknown,
    }
}

/// The name in lower case with dots: what an environment variable's name would stand for.
fn plain(name: &str) -> String {
    name.trim().to_lowercase().replace(['_', '-'], ".")
}

fn is_own(name: &str) -> bool {
    name.starts_with("ottla.")
}

/// Characters to insert, delete or replace to get from one name to the other (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut next = vec![i + 1];
        for ((j, b), pair) in other.iter().enumerate().zip(row.windows(2)) {
            let (diagonal, above) = (pair.first().copied(), pair.last().copied());
            let left = next.get(j).copied().unwrap_or(usize::MAX - 1);
            let replace = diagonal.unwrap_or(0) + usize::from(a != *b);
            next.push(replace.min(above.unwrap_or(0) + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

/// The key in `listener.name.<listener>.<key>`; with `<mechanism>.` dropped from keys that may be
/// set for a SASL mechanism. `None` where the name has another form.
pub fn without_listener(name: &str) -> Option<&str> {
    let (_, base) = name.strip_prefix("listener.name.")?.split_once('.')?;
    let mechanism_key = MECHANISM_KEYS.iter().find(|key| base.ends_with(*key));
    Some(mechanism_key.copied().unwrap_or(base))
}

/// Names under which a broker key's value may be set, strongest first (KIP-226).
pub(super) fn synonyms(name: &str) -> Vec<&str> {
    const FAMILIES: &[&[&str]] = &[
        &["log.roll.ms", "log.roll.hours"],
        &["log.roll.jitter.ms", "log.roll.jitter.hours"],
        &["log.retention.ms", "log.retention.minutes", "log.retention.hours"],
    ];
    if name == "log.flush.interval.ms" {
        return vec![name, "log.flush.scheduler.interval.ms"];
    }
    if let Some(family) = FAMILIES.iter().find(|family| family.contains(&name)) {
        return family.to_vec();
    }
    match without_listener(name) {
        Some(base) => vec![name, base],
        None => vec![name],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_key_is_told_from_a_plug_ins_key() {
        assert_eq!(look_up("num.partition"), Known::Misspelt("num.partitions"));
        assert_eq!(look_up("num.partitions"), Known::Declared);
        assert_eq!(look_up("super.users"), Known::Outside);
        assert_eq!(look_up("listener.name.internal.ssl.keystore.location"), Known::Outside);
        assert_eq!(look_up("confluent.support.metrics.enable"), Known::Unknown);
        assert!(matches!(look_up("ottla.nothing"), Known::Misspelt(_)));
    }

    #[test]
    fn case_and_separators_are_mistakes_too() {
        for wrong in ["NUM_PARTITIONS", "num-partitions", "num.partitions ", "Num.Partition"] {
            assert_eq!(look_up(wrong), Known::Misspelt("num.partitions"), "{wrong}");
        }
        assert_eq!(look_up("OTTLA_LOG_LEVEL"), Known::Misspelt("ottla.log.level"));
    }

    #[test]
    fn keys_of_other_releases_and_of_plug_ins_are_no_mistakes() {
        let others = [
            // Before 3.9.
            "advertised.host.name",
            "advertised.port",
            "host.name",
            "port",
            "log.cleaner.min.cleanable.dirty.ratio",
            "offsets.storage",
            "quota.consumer.default",
            "quota.producer.default",
            "replica.lag.max.messages",
            "zookeeper.sync.time.ms",
            // After it.
            "controller.quorum.auto.join.enable",
            "group.consumer.min.assignment.interval.ms",
            "group.coordinator.background.threads",
            "group.share.max.share.sessions",
            "log.dir.failure.timeout",
            "remote.log.manager.follower.thread.pool.size",
            "share.coordinator.threads",
            "transaction.two.phase.commit.enable",
            // Of what runs inside a broker.
            "confluent.metrics.reporter.bootstrap.servers",
            "cruise.control.metrics.reporter.bootstrap.servers",
            "producer.acks",
            "opa.authorizer.url",
        ];
        for name in others {
            assert_eq!(look_up(name), Known::Unknown, "{name}");
        }
    }

    #[test]
    fn a_listener_prefix_and_a_mechanism_are_taken_off() {
        assert_eq!(without_listener("listener.name.a.max.connections"), Some("max.connections"));
        let jaas = "listener.name.a.scram-sha-256.sasl.jaas.config";
        assert_eq!(without_listener(jaas), Some("sasl.jaas.config"));
        assert_eq!(without_listener("max.connections"), None);
        assert_eq!(synonyms("log.roll.hours"), ["log.roll.ms", "log.roll.hours"]);
    }
}
