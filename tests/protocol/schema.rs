//! Kafka's own message schemas, from `protocol-tests/schemas.jsonl`: what fields a version has.
//!
//! The format is that of Kafka's generator (`clients/src/main/resources/common/message`). This is
//! a second reading of the protocol, independent of the codec that the broker uses.

use serde_json::Value;
use std::collections::BTreeMap;

/// An inclusive range of versions; `none` is empty.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Versions {
    pub min: i16,
    pub max: i16,
}

impl Versions {
    const NONE: Versions = Versions { min: 0, max: -1 };

    fn parse(text: &str) -> Versions {
        let number = |s: &str| s.parse().expect("a version number");
        if text == "none" {
            return Versions::NONE;
        }
        if let Some(min) = text.strip_suffix('+') {
            return Versions { min: number(min), max: i16::MAX };
        }
        match text.split_once('-') {
            Some((min, max)) => Versions { min: number(min), max: number(max) },
            None => Versions { min: number(text), max: number(text) },
        }
    }

    pub fn holds(self, version: i16) -> bool {
        self.min <= version && version <= self.max
    }
}

#[derive(Clone, Debug)]
pub struct Field {
    /// As in Kafka's JSON form: `errorCode`.
    pub name: String,
    pub kind: Kind,
    pub versions: Versions,
    pub nullable: Versions,
    /// The tag, where the field is tagged in `tagged`.
    pub tag: Option<u32>,
    pub tagged: Versions,
    /// Overrides the message's flexible versions.
    pub flexible: Option<Versions>,
    pub default: Option<Value>,
}

#[derive(Clone, Debug)]
pub enum Kind {
    Bool,
    Int8,
    Int16,
    Uint16,
    Int32,
    Uint32,
    Int64,
    Float64,
    String,
    Bytes,
    Uuid,
    Records,
    Array(Box<Kind>),
    Struct(Vec<Field>),
}

#[derive(Clone, Debug)]
pub struct Message {
    pub versions: Versions,
    pub flexible: Versions,
    pub fields: Vec<Field>,
}

/// A request, its response, and their key.
#[derive(Clone, Debug)]
pub struct Api {
    pub key: i16,
    pub request: Message,
    pub response: Message,
}

/// All APIs by name, without "Request".
pub fn load(text: &str) -> BTreeMap<String, Api> {
    let mut requests = BTreeMap::new();
    let mut responses = BTreeMap::new();
    for line in text.lines() {
        let schema: Value = serde_json::from_str(line).expect("a schema line is JSON");
        let key = schema["apiKey"].as_i64().expect("a schema has a key") as i16;
        let name = schema["name"].as_str().expect("a schema has a name").to_owned();
        let message = message(&schema);
        match name.strip_suffix("Request") {
            Some(name) => drop(requests.insert(key, (name.to_owned(), message))),
            None => drop(responses.insert(key, message)),
        }
    }
    let pair = |(key, (name, request))| {
        let response = responses.get(&key).cloned().expect("a request has a response");
        (name, Api { key, request, response })
    };
    requests.into_iter().map(pair).collect()
}

fn message(schema: &Value) -> Message {
    let versions = |name: &str| Versions::parse(schema[name].as_str().unwrap_or("none"));
    let mut common = BTreeMap::new();
    for one in schema["commonStructs"].as_array().into_iter().flatten() {
        common.insert(text(one, "name"), one.clone());
    }
    Message {
        versions: versions("validVersions"),
        flexible: versions("flexibleVersions"),
        fields: fields(&schema["fields"], &common),
    }
}

fn text(node: &Value, name: &str) -> String {
    node[name].as_str().unwrap_or_default().to_owned()
}

fn fields(list: &Value, common: &BTreeMap<String, Value>) -> Vec<Field> {
    list.as_array().into_iter().flatten().map(|node| field(node, common)).collect()
}

fn field(node: &Value, common: &BTreeMap<String, Value>) -> Field {
    let versions = |name: &str| node[name].as_str().map(Versions::parse);
    let name = text(node, "name");
    let lower = name.chars().take(1).flat_map(char::to_lowercase);
    Field {
        name: lower.chain(name.chars().skip(1)).collect(),
        kind: kind(&text(node, "type"), node, common),
        versions: versions("versions").or(versions("taggedVersions")).unwrap_or(Versions::NONE),
        nullable: versions("nullableVersions").unwrap_or(Versions::NONE),
        tag: node["tag"].as_u64().map(|tag| tag as u32),
        tagged: versions("taggedVersions").unwrap_or(Versions::NONE),
        flexible: versions("flexibleVersions"),
        default: node.get("default").cloned(),
    }
}

fn kind(name: &str, node: &Value, common: &BTreeMap<String, Value>) -> Kind {
    match name {
        "bool" => Kind::Bool,
        "int8" => Kind::Int8,
        "int16" => Kind::Int16,
        "uint16" => Kind::Uint16,
        "int32" => Kind::Int32,
        "uint32" => Kind::Uint32,
        "int64" => Kind::Int64,
        "float64" => Kind::Float64,
        "string" => Kind::String,
        "bytes" => Kind::Bytes,
        "uuid" => Kind::Uuid,
        "records" => Kind::Records,
        other => match other.strip_prefix("[]") {
            Some(inner) => Kind::Array(Box::new(kind(inner, node, common))),
            None => Kind::Struct(fields(
                node.get("fields")
                    .or_else(|| Some(&common.get(other)?["fields"]))
                    .unwrap_or(&Value::Null),
                common,
            )),
        },
    }
}
