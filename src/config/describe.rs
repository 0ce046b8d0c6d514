//! What DescribeConfigs says about a topic's and a broker's configuration, without wire types
//! (Kafka's `ConfigHelper`; the sources and their order are KIP-226's).

use super::declare::{Declaration, Type, Update};
use super::error::ConfigError;
use super::names;
use super::topic::{TOPIC_KEYS, inherited};
use super::value::{self, Value};
use super::{BrokerConfig, Properties, key};

/// Where a value comes from; the discriminant is the `configSource` byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Overridden for the topic.
    Topic = 1,
    /// Changed for this broker while it runs.
    DynamicBroker = 2,
    /// Changed for all brokers while they run.
    DynamicDefault = 3,
    /// The file or the command line.
    Static = 4,
    /// Kafka's default.
    Default = 5,
}

/// One of the places that could give the value, strongest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Synonym {
    /// Name it is set under there.
    pub name: String,
    /// Value there; `None` for a sensitive one.
    pub value: Option<String>,
    /// Which place.
    pub source: Source,
}

/// A described key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Name.
    pub name: String,
    /// Value; `None` if there is none or it is sensitive.
    pub value: Option<String>,
    /// Where the value comes from.
    pub source: Source,
    /// All places, strongest first.
    pub synonyms: Vec<Synonym>,
    /// Type; `None` for a key that is not declared.
    pub kind: Option<Type>,
    /// Whether it cannot be changed at run time.
    pub read_only: bool,
    /// Whether its value is withheld.
    pub sensitive: bool,
    /// Documentation, if there is any.
    pub doc: Option<&'static str>,
}

impl Entry {
    /// The `configType` byte.
    pub fn type_id(&self) -> i8 {
        self.kind.map_or(0, |kind| kind as i8)
    }
}

/// Rates that exist only as dynamic configs of a broker (`DynamicConfig.Broker`).
pub(super) const DYNAMIC_RATES: &[&str] = &[
    "follower.replication.throttled.rate",
    "leader.replication.throttled.rate",
    "replica.alter.log.dirs.io.max.bytes.per.second",
];

/// All keys of a topic with these overrides. Fails if an override is not valid.
pub fn topic(broker: &BrokerConfig, overrides: &Properties) -> Result<Vec<Entry>, ConfigError> {
    let mut entries = Vec::with_capacity(TOPIC_KEYS.len());
    for topic_key in TOPIC_KEYS {
        let key = &topic_key.declaration;
        let mut places = match topic_key.server.first() {
            Some((index, _)) => places(broker, key::declaration(*index).name, false),
            None => Vec::new(),
        };
        let value = match overrides.get(key.name) {
            Some(text) => {
                // Shown as read, where the other places are shown as written.
                let read = value::parse(key, text)?;
                let (name, value) = (key.name.to_owned(), Some(read.to_string()));
                places.insert(0, Synonym { name, value, source: Source::Topic });
                read
            }
            None => inherited(broker, topic_key),
        };
        entries.push(entry(key.name, Some(key), &value, places, false));
    }
    Ok(entries)
}

/// All keys of this broker, and everything else that its file or its dynamic configs set.
pub fn broker(config: &BrokerConfig) -> Vec<Entry> {
    let mut names: Vec<&str> =
        key::all().iter().filter(|key| !key.internal).map(|key| key.name).collect();
    let layers = config.layers();
    for layer in [&layers.file, &layers.dynamic_default, &layers.dynamic_broker] {
        names.extend(layer.keys().map(String::as_str).filter(|name| key::find(name).is_none()));
    }
    names.sort_unstable();
    names.dedup();
    names.into_iter().map(|name| describe_broker_key(config, name, true)).collect()
}

/// The dynamic configs of all brokers.
pub fn default_broker(config: &BrokerConfig) -> Vec<Entry> {
    let names = config.layers().dynamic_default.keys();
    names.map(|name| describe_broker_key(config, name, false)).collect()
}

fn describe_broker_key(config: &BrokerConfig, name: &str, this_broker: bool) -> Entry {
    let declared = declaration_of(name);
    let sensitive = is_sensitive(name);
    let mut places = places(config, name, sensitive);
    if !this_broker {
        places.retain(|place| place.source == Source::DynamicDefault);
    }
    let value = match (key::index_of(name), this_broker) {
        (Some(index), true) => config.value(index).clone(),
        _ => {
            let layers = config.layers();
            let set = match this_broker {
                true => config.text(name),
                false => layers.dynamic_default.get(name).map(String::as_str),
            };
            set.map_or(Value::Null, |text| Value::Text(text.into()))
        }
    };
    let read_only = key::find(name).is_none_or(|key| key.update == Update::ReadOnly);
    let mut entry = entry(name, declared, &value, places, read_only);
    if DYNAMIC_RATES.contains(&name) {
        entry.kind = Some(Type::Long);
    }
    entry.sensitive = sensitive;
    if sensitive {
        entry.value = None;
    }
    entry
}

/// The declaration of a name, also under a listener's prefix.
fn declaration_of(name: &str) -> Option<&'static Declaration> {
    key::find(name).or_else(|| key::find(names::without_listener(name)?))
}

/// Passwords are withheld, and values of undeclared keys: they may be passwords.
pub fn is_sensitive(name: &str) -> bool {
    match declaration_of(name) {
        Some(key) => key.kind == Type::Password,
        None => !DYNAMIC_RATES.contains(&name),
    }
}

/// Everywhere that sets a broker key; names before the described one are left out, so that
/// `log.retention.hours` does not show for itself what `log.retention.ms` says.
fn places(config: &BrokerConfig, name: &str, sensitive: bool) -> Vec<Synonym> {
    let names = names::synonyms(name);
    let layers = config.layers();
    let mut found = Vec::new();
    let mut add = |name: &str, value: Option<&str>, source: Source| {
        if let Some(value) = value {
            let value = (!sensitive).then(|| value.to_owned());
            found.push(Synonym { name: name.to_owned(), value, source });
        }
    };
    for (layer, source) in [
        (&layers.dynamic_broker, Source::DynamicBroker),
        (&layers.dynamic_default, Source::DynamicDefault),
        (&layers.file, Source::Static),
    ] {
        for name in &names {
            add(name, layer.get(*name).map(String::as_str), source);
        }
    }
    for name in &names {
        add(name, key::find(name).and_then(|key| key.default), Source::Default);
    }
    found.into_iter().skip_while(|place| place.name != name).collect()
}

fn entry(
    name: &str,
    declared: Option<&'static Declaration>,
    value: &Value,
    synonyms: Vec<Synonym>,
    read_only: bool,
) -> Entry {
    Entry {
        name: name.to_owned(),
        value: match value {
            Value::Null => None,
            value => Some(value.to_string()),
        },
        source: synonyms.first().map_or(Source::Default, |first| first.source),
        synonyms,
        kind: declared.map(|key| key.kind),
        read_only,
        sensitive: false,
        doc: declared.map(|key| key.doc.trim_start()),
    }
}

#[cfg(test)]
mod golden;

#[cfg(test)]
mod tests {
    use super::*;

    fn properties(pairs: &[(&str, &str)]) -> Properties {
        pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
    }

    fn find(entries: Vec<Entry>, name: &str) -> Entry {
        entries.into_iter().find(|entry| entry.name == name).unwrap()
    }

    fn synonyms(entry: &Entry) -> Vec<(&str, Option<&str>, i8)> {
        let one = |s: &Synonym| s.source as i8;
        entry.synonyms.iter().map(|s| (&*s.name, s.value.as_deref(), one(s))).collect()
    }

    #[test]
    fn a_topic_key_lists_every_place_above_the_default() {
        let config = BrokerConfig::from_properties(Properties::new())
            .unwrap()
            .with_dynamic(
                properties(&[("log.retention.ms", "86400000")]),
                properties(&[("log.retention.ms", "1000000")]),
            )
            .unwrap();
        let entries = topic(&config, &properties(&[("retention.ms", "100000")])).unwrap();
        assert_eq!(entries.len(), 36);
        let retention = find(entries, "retention.ms");
        assert_eq!(retention.value.as_deref(), Some("100000"));
        assert_eq!(retention.source, Source::Topic);
        assert_eq!(
            synonyms(&retention),
            [
                ("retention.ms", Some("100000"), 1),
                ("log.retention.ms", Some("1000000"), 2),
                ("log.retention.ms", Some("86400000"), 3),
                ("log.retention.hours", Some("168"), 5),
            ]
        );
    }

    #[test]
    fn five_topic_keys_and_the_time_keys_have_no_synonyms_when_nothing_is_set() {
        let entries = topic(&BrokerConfig::default(), &Properties::new()).unwrap();
        let without = entries.iter().filter(|entry| entry.synonyms.is_empty());
        let names: Vec<_> = without.map(|entry| &*entry.name).collect();
        assert_eq!(
            names,
            [
                "flush.ms",
                "follower.replication.throttled.replicas",
                "leader.replication.throttled.replicas",
                "remote.log.copy.disable",
                "remote.log.delete.on.disable",
                "remote.storage.enable",
                "retention.ms",
                "segment.jitter.ms",
                "segment.ms",
            ]
        );
        let retention = find(entries, "retention.ms");
        assert_eq!(retention.value.as_deref(), Some("604800000"));
        assert_eq!((retention.source, retention.read_only), (Source::Default, false));
    }

    #[test]
    fn a_broker_describes_315_keys_and_what_else_was_set() {
        assert_eq!(broker(&BrokerConfig::default()).len(), 315);
        let file = properties(&[("super.users", "User:a"), ("broker.id", "1")]);
        let config = BrokerConfig::from_properties(file).unwrap();
        let entries = broker(&config);
        assert_eq!(entries.len(), 316);
        let node = find(entries.clone(), "node.id");
        assert_eq!(synonyms(&node), [("node.id", Some("1"), 4), ("node.id", Some("-1"), 5)]);
        let unknown = find(entries, "super.users");
        assert_eq!((unknown.value, unknown.sensitive, unknown.read_only), (None, true, true));
        assert_eq!((unknown.kind, unknown.source), (None, Source::Static));
    }

    #[test]
    fn a_password_is_withheld() {
        let file = properties(&[("ssl.key.password", "secret")]);
        let config = BrokerConfig::from_properties(file).unwrap();
        let entry = find(broker(&config), "ssl.key.password");
        assert_eq!((&entry.value, entry.sensitive), (&None, true));
        assert_eq!(synonyms(&entry), [("ssl.key.password", None, 4)]);
    }

    #[test]
    fn a_dynamic_listener_key_is_typed_and_read_only() {
        let own = properties(&[("listener.name.l.max.connections", "5")]);
        let config = BrokerConfig::default().with_dynamic(Properties::new(), own).unwrap();
        let entry = find(broker(&config), "listener.name.l.max.connections");
        assert_eq!((entry.type_id(), entry.read_only), (3, true));
        assert_eq!(
            synonyms(&entry),
            [
                ("listener.name.l.max.connections", Some("5"), 2),
                ("max.connections", Some("2147483647"), 5),
            ]
        );
    }

    #[test]
    fn the_default_broker_has_only_what_was_changed_for_all() {
        let all = properties(&[("log.retention.ms", "5")]);
        let own = properties(&[("log.retention.ms", "7")]);
        let config = BrokerConfig::default().with_dynamic(all, own).unwrap();
        let entries = default_broker(&config);
        assert_eq!(entries.len(), 1);
        assert_eq!(entries[0].value.as_deref(), Some("5"));
        assert_eq!(synonyms(&entries[0]), [("log.retention.ms", Some("5"), 3)]);
    }

    #[test]
    fn a_value_set_to_its_default_is_listed_twice() {
        let file = properties(&[("offsets.topic.replication.factor", "3")]);
        let config = BrokerConfig::from_properties(file).unwrap();
        let entry = find(broker(&config), "offsets.topic.replication.factor");
        let name = "offsets.topic.replication.factor";
        assert_eq!(synonyms(&entry), [(name, Some("3"), 4), (name, Some("3"), 5)]);
    }
}
