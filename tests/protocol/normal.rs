//! What differs from run to run is replaced, so that two answers can be compared in all the rest.

use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Values that a step saved, by name.
pub type Variables = BTreeMap<String, Value>;

/// Fields that name a run, not a behaviour; a value in the second column is kept.
const MASKED: &[(&str, &[i64])] = &[
    ("brokerEpoch", &[-1]),
    ("port", &[-1]),
    ("totalBytes", &[-1]),
    ("usableBytes", &[-1]),
    ("sessionId", &[0]),
    ("producerIdStart", &[-1]),
    ("logAppendTimeMs", &[-1]),
    ("lastTimestamp", &[-1]),
    ("issueTimestampMs", &[]),
    ("expiryTimestampMs", &[]),
    ("maxTimestampMs", &[]),
    ("transactionStartTimeMs", &[-1]),
    ("throttleTimeMs", &[0]),
];
const MASKED_TEXT: &[&str] = &["clusterId", "logDir", "clientHost", "host"];
/// Arrays in the order of a hash table, by field name, and what their elements are told by.
const UNORDERED: &[(&str, &str)] = &[
    ("topics", "name"),
    ("partitions", "partitionIndex"),
    ("configs", "name"),
    ("groups", "groupId"),
    ("results", "groupId"),
    ("entries", "entity"),
    ("entity", "entityType"),
    ("values", "key"),
    ("transactionStates", "transactionalId"),
    // The members of a group; those that LeaveGroup answers are in the request's order.
    ("members", "memberId"),
    ("activeProducers", "producerId"),
];

/// Replaces `${name}` and `$v` in every string: a string that is nothing else gets the value.
/// An error names a variable that no answer gave.
pub fn substitute(body: &mut Value, variables: &Variables, version: i16) -> Result<(), String> {
    let inner = |x: &mut Value| substitute(x, variables, version);
    match body {
        Value::String(text) => {
            if let Some(name) = text.strip_prefix("${").and_then(|t| t.strip_suffix('}')) {
                *body = variables.get(name).cloned().ok_or(name)?;
            } else {
                *text = text.replace("$v", &version.to_string());
            }
            Ok(())
        }
        Value::Array(list) => list.iter_mut().try_for_each(inner),
        Value::Object(map) => map.values_mut().try_for_each(inner),
        _ => Ok(()),
    }
}

/// The answer as it should be in every run.
pub fn normal(mut answer: Value, variables: &Variables) -> Value {
    mask("", &mut answer, variables);
    answer
}

fn mask(name: &str, value: &mut Value, variables: &Variables) {
    match value {
        Value::Object(map) => map.iter_mut().for_each(|(name, x)| mask(name, x, variables)),
        Value::Array(list) => {
            list.iter_mut().for_each(|x| mask(name, x, variables));
            let is_left = name == "members" && list.iter().any(|x| x.get("errorCode").is_some());
            let found = UNORDERED.iter().find(|(array, _)| *array == name && !is_left);
            if let Some((_, key)) = found {
                list.sort_by_key(|x| match &x[*key] {
                    Value::Number(number) => format!("{:020}", number.as_i64().unwrap_or(0)),
                    other => other.to_string(),
                });
            }
        }
        Value::String(text) => {
            if let Some(found) = saved(&json!(text.as_str()), variables) {
                *text = found;
            } else if MASKED_TEXT.contains(&name) && !text.is_empty() {
                *text = "*".into();
            } else if let Some(at) = text.find("should be within [") {
                // Bounds about the time of the run, once or more in a message.
                *text = format!("{}should be within [*", &text[..at]);
            } else if is_member_id(text) {
                *text = "*member*".into();
            } else if name.ends_with("opicId") && text.bytes().any(|b| b != b'0') {
                *text = "*".into();
            }
        }
        Value::Number(number) => {
            let kept = |kept: &[i64]| number.as_i64().is_some_and(|n| kept.contains(&n));
            let masked = MASKED.iter().any(|(field, values)| *field == name && !kept(values));
            if masked {
                *value = json!("*");
            } else if name == "producerId"
                && let Some(found) = saved(value, variables)
            {
                *value = json!(found);
            }
        }
        _ => {}
    }
}

/// The name under which a value was saved; short strings are not looked for.
fn saved(value: &Value, variables: &Variables) -> Option<String> {
    let own = |(_, saved): &(&String, &Value)| *saved == value && *value != json!("");
    variables.iter().find(own).map(|(name, _)| format!("${{{name}}}"))
}

/// Ends in a random uuid, as the ids that a coordinator gives to members.
fn is_member_id(text: &str) -> bool {
    let Some(uuid) = text.len().checked_sub(36).and_then(|at| text.get(at..)) else { return false };
    uuid.bytes().enumerate().all(|(i, b)| match i {
        8 | 13 | 18 | 23 => b == b'-',
        _ => b.is_ascii_hexdigit(),
    })
}

#[test]
fn what_is_masked_does_not_hide_the_rest() {
    let none = Variables::new();
    let a = normal(json!({"port": 1, "errorCode": 3, "sessionId": 0}), &none);
    assert_eq!(a, json!({"port": "*", "errorCode": 3, "sessionId": 0}));
    let b = normal(json!({"memberId": "x-01234567-0123-0123-0123-0123456789ab"}), &none);
    assert_eq!(b, json!({"memberId": "*member*"}));
}
