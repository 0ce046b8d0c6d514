//! The rules of the code that a compiler does not know: sizes, import direction, banned words.
//!
//! Every rule is a function over text, tested here on small strings, and run over `src/`. The
//! module line is ARCHITECTURE.md's.

use std::fs;
use std::path::{Path, PathBuf};

/// Most lines of a source file.
const FILE_LINES: usize = 600;
/// Most characters of a line.
const LINE_WIDTH: usize = 100;
/// Most lines of the median source file.
const MEDIAN_LINES: usize = 300;

/// A module may import from those with a higher number, and from itself.
const RANKS: &[(&str, u32)] = &[
    ("main", 0),
    ("run", 0),
    ("metrics", 1),
    ("network", 1),
    ("handlers", 2),
    ("broker", 3),
    ("coordinator", 4),
    ("controller", 4),
    ("security", 5),
    ("partition", 6),
    ("quota", 7),
    ("log", 8),
    ("metadata", 8),
    ("peer", 8),
    ("telemetry", 9),
    ("config", 10),
    ("types", 11),
    ("lazy_alloc", 11),
];

/// Where wire messages may appear: modules, and files of `partition` that fetch as a follower.
const WIRE_MODULES: &[&str] =
    &["handlers", "coordinator", "controller", "network", "peer", "broker"];

/// What an `await` or a runtime must not reach.
const SYNCHRONOUS: &[&str] = &["log", "config"];

/// Words that never stand in code, with where they are excused.
const BANNED: &[&str] = &["todo!", "unimplemented!", "dbg!", "#[allow(dead_code)]"];

/// Parts of names that say nothing.
const EMPTY_NAMES: &[&str] = &["Manager", "Helper", "Util", "Support"];

/// Paths of one machine, which mean nothing on another.
const MACHINE_PATHS: &[&str] = &["/work/", "/tmp/oracle", "/root/", "/home/"];

struct Source {
    /// Path below `src/`, with `/`.
    path: String,
    text: String,
}

fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn walk(dir: &Path, wanted: &dyn Fn(&Path) -> bool, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let name = entry.file_name();
        if path.is_dir() && name != "target" && name != ".git" && name != ".cache" {
            walk(&path, wanted, found);
        } else if wanted(&path) {
            found.push(path);
        }
    }
}

fn sources() -> Vec<Source> {
    let root = repository().join("src");
    let mut paths = Vec::new();
    walk(&root, &|p| p.extension().is_some_and(|e| e == "rs"), &mut paths);
    paths.sort();
    let read = |path: PathBuf| Source {
        text: fs::read_to_string(&path).expect("source file is readable"),
        path: path.strip_prefix(&root).expect("below src").to_string_lossy().replace('\\', "/"),
    };
    paths.into_iter().map(read).collect()
}

/// The module that a file belongs to: the first part of its path.
fn module_of(path: &str) -> &str {
    path.split('/').next().unwrap_or(path).trim_end_matches(".rs")
}

fn rank(module: &str) -> Option<u32> {
    RANKS.iter().find(|(name, _)| *name == module).map(|(_, rank)| *rank)
}

/// The line without its comment and without what stands in string literals.
fn code_of(line: &str) -> String {
    let mut code = String::new();
    let mut in_string = false;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' if in_string => drop(chars.next()),
            '\'' if !in_string && chars.peek() == Some(&'"') => drop(chars.next()),
            '"' => in_string = !in_string,
            '/' if !in_string && chars.peek() == Some(&'/') => break,
            _ if in_string => {}
            c => code.push(c),
        }
    }
    code
}

/// The lines of code before a trailing `mod tests`, with their numbers from 1.
fn product_lines(text: &str) -> impl Iterator<Item = (usize, String)> + '_ {
    let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    let product = text.get(..end).unwrap_or(text);
    product.lines().enumerate().map(|(i, line)| (i + 1, code_of(line)))
}

/// The modules of this crate that a text names: `crate::x`, also in `crate::{x::A, y::B}`.
fn imported(text: &str) -> Vec<String> {
    let code: String = product_lines(text).map(|(_, line)| line + "\n").collect();
    let mut found = Vec::new();
    for part in code.split("crate::").skip(1) {
        if let Some(list) = part.strip_prefix('{') {
            found.extend(heads_of_list(list));
        } else {
            found.push(head(part));
        }
    }
    found.retain(|name| !name.is_empty());
    found
}

fn head(path: &str) -> String {
    path.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// The first path segments of a `{a::B, c::{D, E}}` list, its opening brace already gone.
fn heads_of_list(list: &str) -> Vec<String> {
    let mut depth = 0;
    let mut starts = vec![0];
    for (i, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => starts.push(i + 1),
            _ => {}
        }
    }
    starts.into_iter().filter_map(|at| list.get(at..)).map(head).collect()
}

fn size_faults(source: &Source) -> Vec<String> {
    let mut faults = Vec::new();
    let lines = source.text.lines().count();
    if lines > FILE_LINES {
        faults.push(format!("{}: {lines} lines", source.path));
    }
    for (i, line) in source.text.lines().enumerate() {
        if line.chars().count() > LINE_WIDTH {
            faults.push(format!("{}:{}: longer than {LINE_WIDTH}", source.path, i + 1));
        }
    }
    if !source.text.starts_with("//!") {
        faults.push(format!("{}: does not begin with a `//!` sentence", source.path));
    }
    faults
}

fn import_faults(source: &Source) -> Vec<String> {
    let from = module_of(&source.path);
    if from == "lib" {
        return Vec::new();
    }
    let Some(own) = rank(from) else {
        return vec![format!("{}: module `{from}` is not in the line", source.path)];
    };
    let wrong = |to: &String| to != from && rank(to).is_some_and(|other| other <= own);
    let describe = |to| format!("{}: `{from}` imports from `{to}`", source.path);
    imported(&source.text).into_iter().filter(wrong).map(describe).collect()
}

fn wire_faults(source: &Source) -> Vec<String> {
    let module = module_of(&source.path);
    let follower = module == "partition" && source.path.contains("fetcher");
    if WIRE_MODULES.contains(&module) || follower {
        return Vec::new();
    }
    let names = |line: &str| line.contains("kafka_protocol");
    product_lines(&source.text)
        .filter(|(_, line)| names(line))
        .map(|(n, _)| format!("{}:{n}: wire types in `{module}`", source.path))
        .collect()
}

fn synchronous_faults(source: &Source) -> Vec<String> {
    if !SYNCHRONOUS.contains(&module_of(&source.path)) {
        return Vec::new();
    }
    let asynchronous =
        |line: &str| ["tokio", "async ", ".await"].iter().any(|word| line.contains(word));
    product_lines(&source.text)
        .filter(|(_, line)| asynchronous(line))
        .map(|(n, _)| format!("{}:{n}: not synchronous", source.path))
        .collect()
}

/// Whether a line declares something whose name has an empty part.
fn empty_name(line: &str) -> Option<&'static str> {
    let words: Vec<&str> = line.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    let kinds = ["struct", "enum", "trait", "type", "fn", "mod"];
    let named = words.windows(2).find(|pair| kinds.contains(&pair[0]))?[1];
    let camel = |part: &str| {
        let ends = |at: usize| named[at + part.len()..].chars().next();
        named.match_indices(part).any(|(at, _)| ends(at).is_none_or(|c| !c.is_lowercase()))
    };
    let snake = |part: &str| named.split('_').any(|w| w == part.to_lowercase());
    EMPTY_NAMES.iter().find(|part| camel(part) || snake(part)).copied()
}

fn word_faults(source: &Source) -> Vec<String> {
    let mut faults = Vec::new();
    let prints = !source.path.starts_with("main") && !source.path.contains("cli");
    for (n, line) in product_lines(&source.text) {
        for word in BANNED.iter().filter(|word| line.contains(**word)) {
            faults.push(format!("{}:{n}: {word}", source.path));
        }
        if prints && (line.contains("println!") || line.contains("eprint")) {
            faults.push(format!("{}:{n}: prints", source.path));
        }
        if let Some(part) = empty_name(&line) {
            faults.push(format!("{}:{n}: a name with {part}", source.path));
        }
    }
    faults
}

fn assert_none(faults: Vec<String>) {
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

fn faults_of(rule: fn(&Source) -> Vec<String>) -> Vec<String> {
    sources().iter().flat_map(rule).collect()
}

/// Faults in what the program is made of: a file of tests may name and use what it likes.
fn faults_of_product(rule: fn(&Source) -> Vec<String>) -> Vec<String> {
    let of_tests = |s: &Source| s.path.ends_with("tests.rs") || s.path.contains("/tests/");
    sources().iter().filter(|s| !of_tests(s)).flat_map(rule).collect()
}

#[test]
fn files_and_lines_are_short_and_files_say_what_they_are() {
    assert_none(faults_of(size_faults));
}

#[test]
fn the_median_file_is_short() {
    let mut lengths: Vec<usize> = sources().iter().map(|s| s.text.lines().count()).collect();
    lengths.sort_unstable();
    let median = lengths[lengths.len() / 2];
    assert!(median <= MEDIAN_LINES, "the median source file has {median} lines");
}

#[test]
fn modules_import_only_from_their_right() {
    assert_none(faults_of_product(import_faults));
}

#[test]
fn wire_messages_stay_where_they_belong() {
    assert_none(faults_of_product(wire_faults));
}

#[test]
fn log_and_config_are_synchronous() {
    assert_none(faults_of_product(synchronous_faults));
}

#[test]
fn banned_words_and_empty_names_are_absent() {
    assert_none(faults_of_product(word_faults));
}

#[test]
fn no_file_names_a_path_of_one_machine() {
    let kept = ["rs", "py", "sh", "md", "toml", "yaml", "yml", "java", "xml", "env"];
    let mut paths = Vec::new();
    let known = |p: &Path| p.extension().is_some_and(|e| kept.iter().any(|k| e == *k));
    walk(&repository(), &known, &mut paths);
    let own = repository().join("tests/tidy.rs");
    let mut faults = Vec::new();
    for path in paths.into_iter().filter(|path| *path != own) {
        let text = fs::read_to_string(&path).unwrap_or_default();
        for word in MACHINE_PATHS.iter().filter(|word| text.contains(**word)) {
            faults.push(format!("{}: {word}", path.display()));
        }
    }
    assert_none(faults);
}

fn source(path: &str, text: &str) -> Source {
    Source { path: path.into(), text: text.into() }
}

#[test]
fn rule_of_sizes_can_fail() {
    assert!(size_faults(&source("log/a.rs", "//! Fine.\n")).is_empty());
    assert_eq!(size_faults(&source("log/a.rs", "use x;\n")).len(), 1);
    assert_eq!(size_faults(&source("a.rs", &format!("//! {}\n", "x".repeat(97)))).len(), 1);
    assert_eq!(size_faults(&source("a.rs", &"//!\n".repeat(601))).len(), 1);
}

#[test]
fn rule_of_imports_can_fail() {
    let faults = |path, text| import_faults(&source(path, text)).len();
    assert_eq!(faults("log/a.rs", "use crate::types::X;"), 0);
    assert_eq!(faults("log/a.rs", "use crate::metadata::X;"), 1);
    assert_eq!(faults("metadata/a.rs", "use crate::log::X;"), 1);
    assert_eq!(faults("config/a.rs", "fn f() { crate::broker::X::new() }"), 1);
    assert_eq!(faults("partition/a.rs", "use crate::{\n    handlers::{A, B},\n    log::C,\n};"), 1);
    assert_eq!(faults("log/a.rs", "/// See crate::broker.\nuse crate::log::X;"), 0);
    assert_eq!(faults("elsewhere/a.rs", ""), 1);
}

#[test]
fn rule_of_wire_types_can_fail() {
    let faults = |path, text| wire_faults(&source(path, text)).len();
    assert_eq!(faults("log/a.rs", "use kafka_protocol::messages::X;"), 1);
    assert_eq!(faults("handlers/a.rs", "use kafka_protocol::messages::X;"), 0);
    assert_eq!(faults("partition/fetcher.rs", "use kafka_protocol::messages::X;"), 0);
    assert_eq!(faults("partition/state.rs", "use kafka_protocol::messages::X;"), 1);
}

#[test]
fn rule_of_synchrony_can_fail() {
    let faults = |path, text| synchronous_faults(&source(path, text)).len();
    assert_eq!(faults("log/a.rs", "async fn f() {}"), 1);
    assert_eq!(faults("config/a.rs", "use tokio::sync::Mutex;"), 1);
    assert_eq!(faults("broker.rs", "async fn f() {}"), 0);
    assert_eq!(faults("log/a.rs", "// not async fn\nlet s = \"tokio\";"), 0);
}

#[test]
fn rule_of_words_can_fail() {
    let faults = |text| word_faults(&source("log/a.rs", text)).len();
    assert_eq!(faults("fn f() { todo!() }"), 1);
    assert_eq!(faults("pub struct LogManager;"), 1);
    assert_eq!(faults("mod test_helper;"), 1);
    assert_eq!(faults("fn f() { println!(\"x\") }"), 1);
    assert_eq!(faults("pub struct SupportedVersions;"), 0);
    assert_eq!(faults("#[cfg(test)]\nmod tests {\n    fn f() { dbg!(1) }\n}"), 0);
    assert_eq!(faults("/// The LogManager of Kafka.\nfn f() {}"), 0);
}
