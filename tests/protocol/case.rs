//! Cases: lists of requests with what to keep from their answers, and the running of them.
//!
//! A line of `protocol-tests/cases/*.jsonl` is a step, or `{"for": "0-9", "steps": [...]}`: the
//! steps once for each version v; or `{"each": {"k": "v", ...}, "steps": [...]}`: the steps with
//! `${key}` and `${value}` of each pair. A step has
//!
//! * `api`, `version`: a number, "all" (once for each that Kafka 3.9 serves) or "v" (that of the
//!   loop, or the nearest that the API has);
//! * `body`: fields left out have their defaults, and fields that a version lacks are left out;
//! * `save`: variables from the answer by JSON pointer; `${name}` in a body is their value;
//! * `until`: values by JSON pointer that the step is repeated for, while the broker gets ready;
//!   `"*"` is any number but 0;
//! * `silent`: there is no answer, as for acks=0; `conn`: a connection of its own, by name;
//! * `later`: only sent; a step with `answered` and the same `conn` takes the answer;
//! * `still`: a connection whose answer must not have come before this step is asked;
//! * `unrecorded`: a set-up that is not compared;
//! * `hostile`: not the body is asked but what `hostile` makes of it.

use crate::batch;
use crate::codec;
use crate::normal::{Variables, normal, substitute};
use crate::schema::Api;
use crate::wire::Connection;
use serde_json::{Map, Value, json};
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};

/// How long a step with `until` is repeated.
const PATIENCE: Duration = Duration::from_secs(10);

pub type Apis = BTreeMap<String, Api>;

/// One compared answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// `file/step/Api vN`, unique in all cases.
    pub id: String,
    pub api: i16,
    pub version: i16,
    pub response: Value,
}

pub struct Run<'a> {
    apis: &'a Apis,
    pub target: String,
    connections: HashMap<String, Connection>,
    variables: Variables,
    /// The versions that the broker says it serves; all are asked where this is empty.
    served: BTreeMap<i16, (i16, i16)>,
    /// What is left of [`PATIENCE`]: little, once a step of the file has used it up.
    patience: Duration,
    pub answers: Vec<Answer>,
    /// (API, version) of steps that were left out: the broker does not serve them.
    pub unserved: BTreeSet<(String, i16)>,
}

impl<'a> Run<'a> {
    pub fn new(apis: &'a Apis, target: &str) -> Self {
        Run {
            apis,
            target: target.into(),
            connections: HashMap::new(),
            variables: Variables::new(),
            served: BTreeMap::new(),
            patience: PATIENCE,
            answers: Vec::new(),
            unserved: BTreeSet::new(),
        }
    }

    /// Asks what is served, and from now on leaves out what is not.
    pub fn ask_only_what_is_served(&mut self) {
        let api = &self.apis["ApiVersions"];
        let answer = self.ask(&json!({}), api, 0, &[]);
        for one in answer["apiKeys"].as_array().into_iter().flatten() {
            let int = |name: &str| one[name].as_i64().unwrap_or(-1) as i16;
            self.served.insert(int("apiKey"), (int("minVersion"), int("maxVersion")));
        }
    }

    /// Whether the broker says that it serves this version of an API.
    pub fn serves(&self, api: i16, version: i16) -> bool {
        self.served.get(&api).is_some_and(|(_, max)| version <= *max)
    }

    fn is_left_out(&mut self, name: &str, api: &Api, version: i16) -> bool {
        let own = self.served.get(&api.key);
        let known = api.request.versions.holds(version);
        let served = own.is_some_and(|(min, max)| (*min..=*max).contains(&version));
        if self.served.is_empty() || !known || served {
            return false;
        }
        self.unserved.insert((name.to_owned(), version));
        true
    }

    /// All steps of a case file.
    pub fn file(&mut self, name: &str, text: &str) {
        self.patience = PATIENCE;
        self.variables.clear();
        self.connections.clear();
        for (number, line) in text.lines().enumerate() {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let step: Value = serde_json::from_str(line)
                .unwrap_or_else(|e| panic!("{name} line {}: {e}", number + 1));
            let place = format!("{name}/{}", number + 1);
            match (step["for"].as_str(), step["each"].as_object()) {
                (Some(versions), _) => self.round(&place, versions, &step["steps"]),
                (None, Some(pairs)) => self.pairs(&place, pairs, &step["steps"]),
                (None, None) => self.step(&place, &step, None),
            }
        }
    }

    fn round(&mut self, place: &str, versions: &str, steps: &Value) {
        let (min, max) = versions.split_once('-').expect("a range of versions");
        let number = |s: &str| s.parse::<i16>().expect("a version");
        for version in number(min)..=number(max) {
            for (i, step) in steps.as_array().into_iter().flatten().enumerate() {
                self.step(&format!("{place}.{}", i + 1), step, Some(version));
            }
        }
    }

    fn pairs(&mut self, place: &str, pairs: &Map<String, Value>, steps: &Value) {
        for (key, value) in pairs {
            self.variables.insert("key".into(), json!(key));
            self.variables.insert("value".into(), value.clone());
            for (i, step) in steps.as_array().into_iter().flatten().enumerate() {
                self.step(&format!("{place}.{} {key}", i + 1), step, None);
            }
        }
    }

    fn step(&mut self, place: &str, step: &Value, round: Option<i16>) {
        let name = step["api"].as_str().expect("a step has an api");
        let api = self.apis.get(name).unwrap_or_else(|| panic!("no api {name}"));
        let served = api.request.versions;
        match (&step["version"], round) {
            (Value::String(all), None) if all == "all" => {
                for version in served.min..=served.max {
                    self.once(place, step, api, version, version);
                }
            }
            (Value::String(v), Some(round)) if v == "v" => {
                self.once(place, step, api, round.clamp(served.min, served.max), round);
            }
            (Value::Number(n), _) => {
                let version = n.as_i64().expect("a version") as i16;
                self.once(place, step, api, version, round.unwrap_or(version));
            }
            other => panic!("{place}: version {other:?}"),
        }
    }

    fn once(&mut self, place: &str, step: &Value, api: &Api, version: i16, round: i16) {
        let name = step["api"].as_str().unwrap_or_default();
        if self.is_left_out(name, api, version) {
            return;
        }
        let mut body = step.get("body").cloned().unwrap_or(json!({}));
        let id = format!("{place} {name} v{version} round {round}");
        if let Err(missing) = substitute(&mut body, &self.variables, round) {
            let response = json!({"not asked": missing});
            return self.answers.push(Answer { id, api: api.key, version, response });
        }
        batch::expand(&mut body);
        let bytes = codec::encode(&api.request, version, &body);
        if step["hostile"] == true {
            let response = self.hostile(api, version, &bytes);
            return self.answers.push(Answer { id, api: api.key, version, response });
        }
        if step["later"] == true {
            let sent = self.send(step, api, version, &bytes);
            return sent.unwrap_or_else(|closed| panic!("{place}: {closed}"));
        }
        let is_early = step["still"].as_str().is_some_and(|conn| self.has_answer(conn));
        let mut until = step["until"].clone();
        // A variable that is missing is one that the answer cannot have.
        let _ = substitute(&mut until, &self.variables, round);
        let begun = Instant::now();
        let mut answer = loop {
            let answer = match step["answered"] == true {
                true => self.receive(step, api, version),
                false => self.ask(step, api, version, &bytes),
            };
            let wanted = until.as_object().into_iter().flatten();
            let is_reached = |(at, value): (&String, &Value)| match answer.pointer(at) {
                Some(found) if value == "*" => *found != json!(0),
                found => found == Some(value),
            };
            let reached = wanted.clone().all(is_reached);
            if reached {
                break answer;
            }
            if begun.elapsed() > self.patience {
                self.patience = Duration::from_secs(1);
                break answer;
            }
            std::thread::sleep(Duration::from_millis(50));
        };
        if is_early {
            answer["early"] = step["still"].clone();
        }
        for (name, pointer) in step["save"].as_object().into_iter().flatten() {
            let pointer = pointer.as_str().expect("a JSON pointer");
            match answer.pointer(pointer) {
                Some(value) => drop(self.variables.insert(name.clone(), value.clone())),
                None => drop(self.variables.remove(name)),
            }
        }
        if step["unrecorded"] == true {
            return;
        }
        let response = normal(answer, &self.variables);
        self.answers.push(Answer { id, api: api.key, version, response });
    }

    fn connection(&mut self, name: &str) -> std::io::Result<&mut Connection> {
        Ok(match self.connections.entry(name.to_owned()) {
            Entry::Occupied(open) => open.into_mut(),
            Entry::Vacant(place) => place.insert(Connection::open(&self.target)?),
        })
    }

    /// Whether bytes wait on a connection.
    fn has_answer(&mut self, name: &str) -> bool {
        self.connection(name).is_ok_and(|connection| connection.has_bytes())
    }

    /// Sends a step's request; an error is what stands for its answer.
    fn send(&mut self, step: &Value, api: &Api, version: i16, body: &[u8]) -> Result<(), Value> {
        let name = conn(step);
        let flexible = api.request.flexible.holds(version);
        let refused = |e: std::io::Error| json!({"refused": e.to_string()});
        let connection = self.connection(name).map_err(refused)?;
        if connection.send(api.key, version, flexible, body).is_err() {
            self.connections.remove(name);
            return Err(json!({"closed": true}));
        }
        Ok(())
    }

    /// The decoded answer to what was sent last.
    fn receive(&mut self, step: &Value, api: &Api, version: i16) -> Value {
        let name = conn(step);
        // ApiVersions answers with the old header for ever: a client does not know better yet.
        let flexible = api.response.flexible.holds(version) && api.key != 18;
        match self.connection(name).and_then(|connection| connection.receive(flexible)) {
            Ok(bytes) => codec::decode(&api.response, version, &bytes)
                .unwrap_or_else(|fault| json!({"fault": fault, "bytes": codec::hex(&bytes)})),
            Err(_) => {
                self.connections.remove(name);
                json!({"closed": true})
            }
        }
    }

    /// The decoded answer, or `{"closed": true}`, or `{"fault": ...}`.
    fn ask(&mut self, step: &Value, api: &Api, version: i16, body: &[u8]) -> Value {
        if let Err(instead) = self.send(step, api, version, body) {
            return instead;
        }
        if step["silent"] == true {
            // One connection's requests are answered in order: the next answer is ApiVersions', so
            // there was none, and what comes on other connections comes after this one's effect.
            let fence = self.connection(conn(step)).and_then(|connection| {
                connection.send(18, 0, false, &[]).and_then(|()| connection.receive(false))
            });
            return fence.map_or_else(|_| json!({"closed": true}), |_| json!({"silent": true}));
        }
        self.receive(step, api, version)
    }
}

/// The name of a step's connection.
fn conn(step: &Value) -> &str {
    step["conn"].as_str().unwrap_or("main")
}
