//! Whether each configuration key does what its declaration says: one that is honoured is read by
//! something, and one that has no effect is read by nothing.
//!
//! Over the text of `src/`, since a constant that nobody reads compiles. A key counts as read when
//! its constant stands outside `src/config`, or in a function of `src/config` that is called from
//! outside, or as the default of a topic's field that is read outside.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Keys that only decide, inside `src/config`, whether and how a configuration is taken.
const DECIDE_AT_START: &[(&str, &str)] = &[
    ("ADVERTISED_LISTENERS", "a part of the listeners, which config/listener.rs reads as a whole"),
    ("LISTENERS", "as above"),
    ("LISTENER_SECURITY_PROTOCOL_MAP", "as above"),
    ("INTER_BROKER_LISTENER_NAME", "as above"),
    ("SECURITY_INTER_BROKER_PROTOCOL", "as above"),
    ("NODE_ID", "the other name of broker.id, which config/broker.rs makes it"),
    ("BROKER_ID_GENERATION_ENABLE", "without it a missing broker.id is refused"),
    ("AUTHORIZER_CLASS_NAME", "refused"),
    ("SSL_CLIENT_AUTH", "refused, but for none"),
    ("ZOOKEEPER_SET_ACL", "refused"),
    ("ZOOKEEPER_SSL_CLIENT_ENABLE", "refused"),
    ("PROCESS_ROLES", "refused: this broker stays with ZooKeeper"),
    ("CONTROLLER_LISTENER_NAMES", "refused: this broker stays with ZooKeeper"),
    ("REMOTE_LOG_STORAGE_SYSTEM_ENABLE", "refused"),
    ("SASL_ENABLED_MECHANISMS", "by name, since it may have a listener's prefix"),
    ("SASL_MECHANISM_INTER_BROKER_PROTOCOL", "must be among the enabled ones"),
    ("GROUP_CONSUMER_MIN_SESSION_TIMEOUT_MS", "a bound of the default, as in ZooKeeper mode"),
    ("GROUP_CONSUMER_MAX_SESSION_TIMEOUT_MS", "as above"),
    ("GROUP_CONSUMER_MIN_HEARTBEAT_INTERVAL_MS", "as above"),
    ("GROUP_CONSUMER_MAX_HEARTBEAT_INTERVAL_MS", "as above"),
];

/// Keys without effect that are read all the same.
const READ_FOR_A_MESSAGE: &[(&str, &str)] =
    &[("PASSWORD_ENCODER_SECRET", "says why a password is not taken as a dynamic config")];

/// Fields of a topic's configuration that nothing reads; their sentences say so.
const TOPIC_WITHOUT_EFFECT: &[&str] = &[
    "local_retention_bytes",
    "local_retention_ms",
    "message_format_version",
    "remote_log_copy_disable",
    "remote_log_delete_on_disable",
    "remote_storage_enable",
    // The controller reads it by name: it knows the topics' properties, not their logs.
    "unclean_leader_election_enable",
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn walk(dir: &Path, found: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(dir).expect("a folder of sources").flatten() {
        let path = entry.path();
        if path.is_dir() {
            walk(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            let name = path.strip_prefix(root()).expect("below src").display().to_string();
            let is_of_tests = name.contains("test") || name.ends_with("fixture.rs");
            if !is_of_tests {
                found.insert(name, product(&fs::read_to_string(&path).expect("a source")));
            }
        }
    }
}

/// The code without its comments and without a trailing `mod tests`.
fn product(text: &str) -> String {
    let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    let lines = text[..end].lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.map(|line| format!("{line}\n")).collect()
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Where a word stands, not as a part of another.
fn places<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    text.match_indices(word).map(|(at, _)| at).filter(move |at| {
        let before = text[..*at].chars().next_back().filter(|_| !word.starts_with('.'));
        let after = text[at + word.len()..].chars().next();
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

/// The constants of a `keys!` file, and whether each has an effect.
fn declared(text: &str) -> Vec<(String, bool)> {
    let (_, rows) = text.split_once("after ").expect("a keys! file");
    let rows = rows.split(";\n").skip(1);
    let row = |row: &str| {
        let (constant, rest) = row.trim().split_once(": ")?;
        Some((constant.to_owned(), !rest.contains("no_effect")))
    };
    rows.filter_map(row).collect()
}

/// What gives a key's value to the rest of the program: the public function of `derived.rs` around
/// this place, or the field of the topic key's row.
fn reader(file: &str, text: &str, at: usize) -> Option<String> {
    let before = &text[..at];
    let start = match file {
        "config/topic.rs" => before.rfind(";\n").map(|i| i + 1)?,
        "config/derived.rs" => before.rfind("pub fn ").map(|i| i + 6)?,
        _ => return None,
    };
    let name: String = text[start..].trim_start().chars().take_while(|c| is_word(*c)).collect();
    Some(format!(".{name}"))
}

/// Whether anything reads the key.
fn is_read(constant: &str, sources: &BTreeMap<String, String>) -> bool {
    let of_config = |file: &str| file.starts_with("config/");
    let outside = |word: &str| {
        sources.iter().any(|(file, text)| !of_config(file) && places(text, word).next().is_some())
    };
    let inside =
        || sources.iter().filter(|(file, _)| of_config(file) && !file.starts_with("config/keys/"));
    outside(constant)
        || inside().any(|(file, text)| {
            places(text, constant)
                .filter_map(|at| reader(file, text, at))
                .any(|reader| outside(&reader))
        })
}

#[test]
fn a_key_is_honoured_exactly_when_something_reads_it() {
    let mut sources = BTreeMap::new();
    walk(&root(), &mut sources);
    let (mut count, mut faults) = (0, Vec::new());
    for (file, text) in sources.iter().filter(|(file, _)| file.starts_with("config/keys/")) {
        if file == "config/keys/mod.rs" {
            continue;
        }
        for (constant, is_honoured) in declared(text) {
            count += 1;
            let excused = if is_honoured { DECIDE_AT_START } else { READ_FOR_A_MESSAGE };
            let is_excused = excused.iter().any(|(name, _)| *name == constant);
            let is_fault = is_read(&constant, &sources) != is_honoured;
            match (is_fault, is_excused) {
                (true, false) => faults.push(format!("{constant}: honoured is {is_honoured}")),
                (false, true) => faults.push(format!("{constant} needs no excuse")),
                _ => {}
            }
        }
    }
    assert!(count > 300, "only {count} keys were found");
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn every_topic_key_is_read_or_says_that_it_is_not() {
    let mut sources = BTreeMap::new();
    walk(&root(), &mut sources);
    let (_, rows) = sources["config/topic.rs"].split_once("\ntopic_keys! {").expect("its rows");
    let field = |row: &str| row.trim().split_once(": ").map(|(name, _)| name.to_owned());
    let fields: Vec<String> =
        rows.split(";\n").take_while(|r| !r.trim().starts_with('}')).filter_map(field).collect();
    assert_eq!(fields.len(), 36);
    let of_config = |file: &str| file.starts_with("config/");
    let unread = fields.iter().filter(|name| {
        let name = format!(".{name}");
        !sources.iter().any(|(f, text)| !of_config(f) && places(text, &name).next().is_some())
    });
    let unread: Vec<&str> = unread.map(String::as_str).collect();
    assert_eq!(unread, TOPIC_WITHOUT_EFFECT);
}

#[test]
fn the_rule_can_fail() {
    let text = "keys! {\n after super::x;\n\n A_KEY: Int = \"a\", \"1\", Any, Low, ReadOnly;\n \
                B_KEY: Int = \"b\", \"1\", Any, Low, ReadOnly, no_effect \"why\";\n}\n";
    assert_eq!(declared(text), [("A_KEY".to_owned(), true), ("B_KEY".to_owned(), false)]);
    let read = |outside: &str, derived: &str| {
        let file = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        let sources = [file("log/x.rs", outside), file("config/derived.rs", derived)];
        is_read("A_KEY", &sources.into())
    };
    assert!(read("get(key::A_KEY)", ""));
    assert!(!read("get(key::A_KEY_TOO)", ""));
    let derived = "pub fn a_value(&self) { self.get(key::A_KEY) }";
    assert!(read("config.a_value()", derived));
    assert!(!read("", derived));
}
