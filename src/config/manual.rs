//! The manual of all keys (`config/keys.md`), made from the declarations.

use super::declare::{Check, Declaration, Effect, Update};
use super::topic::TOPIC_KEYS;
use super::{key, keys};
use std::fmt::{self, Write};

impl fmt::Display for Check {
    /// As Kafka's documentation names valid values: `[1,...]`; nothing where all are.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Check::Any => Ok(()),
            Check::AtLeast(least) => write!(f, "[{least},...]"),
            Check::Between(least, most) => write!(f, "[{least},...,{most}]"),
            Check::Fraction(least, most) => write!(f, "[{least},...,{most}]"),
            Check::MinusOneOrAtLeast(least) => write!(f, "-1 or [{least},...]"),
            Check::GzipLevel => f.write_str("[1,...,9] or -1"),
            Check::OneOf(words) | Check::ListOf(words) => write!(f, "[{}]", words.join(", ")),
            Check::OneOfIgnoringCase(words) => {
                write!(f, "(case insensitive) [{}]", words.join(", "))
            }
            Check::NonEmptyList => f.write_str("non-empty list"),
            Check::NonEmptyText => f.write_str("non-empty string"),
            Check::NonNullText => f.write_str("non-null string"),
            Check::Release => write!(f, "[{}]", super::release::RELEASES.join(", ")),
            Check::ThrottledReplicas => {
                f.write_str("[partitionId]:[brokerId],[partitionId]:[brokerId],...")
            }
        }
    }
}

const HEAD: &str = "\
# Configuration keys

Made from the declarations in `src/config/keys/` and `src/config/topic.rs`; do not edit.

Names, types and defaults are those of Apache Kafka 3.9. *Change* says whether a key can be changed
while the broker runs: `no`, `broker` (for one broker) or `cluster` (for one or for all brokers).
A dash in *default* means that the key has no value unless set. Keys that have no effect are
accepted, and a warning at start names those that are set.

Without `zookeeper.connect` metadata is kept in an embedded store for this one broker, and
`offsets.topic.replication.factor`, `transaction.state.log.replication.factor` and
`transaction.state.log.min.isr` are 1 unless set. Without a configuration file `listeners` is
`PLAINTEXT://127.0.0.1:9092` and `log.dirs` is `./data` unless set.
";

/// The whole manual in Markdown.
pub fn manual() -> String {
    let mut text = HEAD.to_owned();
    for (title, area) in keys::TITLED {
        section(&mut text, title, area.iter().filter(|key| !is_hidden(key)));
    }
    section(&mut text, "Topics", TOPIC_KEYS.iter().map(|key| &key.declaration));
    text
}

/// Kafka's internal keys are not for users; ours are only kept out of DescribeConfigs.
fn is_hidden(key: &Declaration) -> bool {
    key.internal && !key.name.starts_with("ottla.")
}

fn section<'a>(text: &mut String, title: &str, keys: impl Iterator<Item = &'a Declaration>) {
    let head = "| key | type | default | valid | change | what for |\n|---|---|---|---|---|---|\n";
    let _ = write!(text, "\n## {title}\n\n{head}");
    for key in keys {
        let _ = writeln!(text, "{}", row(key));
    }
}

fn row(key: &Declaration) -> String {
    let change = match key.update {
        _ if key::find(key.name).is_none() => "topic",
        Update::ReadOnly => "no",
        Update::PerBroker => "broker",
        Update::ClusterWide => "cluster",
    };
    let default = match key.default {
        None => "-".to_owned(),
        Some("") => "empty".to_owned(),
        Some(text) => format!("`{text}`"),
    };
    let valid = match key.check {
        Check::Release => "a release, such as 3.9".to_owned(),
        check => check.to_string(),
    };
    let effect = match key.effect {
        Effect::Honoured => String::new(),
        Effect::None(why) => format!(" *No effect: {why}.*"),
    };
    format!(
        "| `{}` | {} | {default} | {valid} | {change} | {}{effect} |",
        key.name,
        key.kind.name().to_lowercase(),
        key.doc.trim()
    )
}
