//! Which topic names are allowed (`o.a.k.common.internals.Topic`).

use super::error::ControllerError;

/// Longest name: with `-<partition>` and a suffix it must be a file name.
const MAX_LENGTH: usize = 249;

/// Checks a name.
///
/// # Errors
/// [`ControllerError::InvalidTopic`] with Kafka's message.
pub fn validate_topic_name(name: &str) -> Result<(), ControllerError> {
    let invalid =
        |why: String| Err(ControllerError::InvalidTopic(format!("Topic name is invalid: {why}")));
    if name.is_empty() {
        return invalid("the empty string is not allowed".into());
    }
    if name == "." || name == ".." {
        return invalid(format!("'{name}' is not allowed"));
    }
    if name.encode_utf16().count() > MAX_LENGTH {
        return invalid(format!(
            "the length of '{name}' is longer than the max allowed length {MAX_LENGTH}"
        ));
    }
    let is_legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if !name.chars().all(is_legal) {
        return invalid(format!(
            "'{name}' contains one or more characters other than ASCII alphanumerics, \
             '.', '_' and '-'"
        ));
    }
    Ok(())
}

/// Whether two names differ in `.` and `_` only: their metrics would have the same name.
pub fn collides(one: &str, other: &str) -> bool {
    let unified = |name: &str| name.replace('.', "_");
    one != other && unified(one) == unified(other)
}
