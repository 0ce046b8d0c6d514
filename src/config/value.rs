//! Values of configuration keys: from text to a typed value, with Kafka's rules and messages
//! (`ConfigDef.parseType` and its validators).

use super::declare::{Check, Declaration, Type};
use super::error::ConfigError;
use std::sync::Arc;

/// A list value.
pub type List = Arc<[Arc<str>]>;

/// A parsed value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// No value.
    Null,
    /// BOOLEAN.
    Boolean(bool),
    /// INT.
    Int(i32),
    /// SHORT.
    Short(i16),
    /// LONG.
    Long(i64),
    /// DOUBLE.
    Double(f64),
    /// STRING, CLASS or PASSWORD.
    Text(Arc<str>),
    /// LIST.
    List(List),
}

/// A type that a key's value can be read as.
pub trait FromValue: Sized {
    /// The value, or `None` if it is of another type (which the declarations rule out).
    fn from_value(value: &Value) -> Option<Self>;
}

macro_rules! from_value {
    ($($type:ty => $variant:ident),+) => {$(
        impl FromValue for $type {
            fn from_value(value: &Value) -> Option<Self> {
                match value {
                    Value::$variant(value) => Some(value.clone()),
                    _ => None,
                }
            }
        }
    )+};
}

from_value!(bool => Boolean, i32 => Int, i16 => Short, i64 => Long, f64 => Double,
    Arc<str> => Text, List => List);

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            other => T::from_value(other).map(Some),
        }
    }
}

/// A kind of key: how it is declared, and the Rust type of its value.
pub trait Kind {
    /// Type of the value.
    type Value: FromValue;
    /// Kafka's type.
    const TYPE: Type;
}

/// The kinds as written in declarations.
pub mod kinds {
    use super::{Arc, Kind, Type};

    /// A kind that may have no value.
    pub struct Optional<K>(std::marker::PhantomData<K>);

    impl<K: Kind> Kind for Optional<K> {
        type Value = Option<K::Value>;
        const TYPE: Type = K::TYPE;
    }

    macro_rules! kinds {
        ($($kind:ident = $value:ty),+) => {$(
            #[allow(missing_docs)]
            pub struct $kind;
            impl Kind for $kind {
                type Value = $value;
                const TYPE: Type = Type::$kind;
            }
        )+};
    }

    kinds!(Boolean = bool, Int = i32, Short = i16, Long = i64, Double = f64, Text = Arc<str>,
        Class = Arc<str>, Password = Arc<str>, List = super::List);
}

/// Reads `text` as a value of this key and checks it.
pub fn parse(key: &Declaration, text: &str) -> Result<Value, ConfigError> {
    let value = parse_type(key, text)?;
    validate(key, &value)?;
    Ok(value)
}

/// The value of a key that nobody set.
pub fn default(key: &Declaration) -> Value {
    let Some(text) = key.default else { return Value::Null };
    parse_type(key, text).unwrap_or(Value::Null)
}

fn parse_type(key: &Declaration, given: &str) -> Result<Value, ConfigError> {
    let text = given.trim();
    let not_a_number =
        || ConfigError::invalid(key, given, format!("Not a number of type {}", key.kind.name()));
    Ok(match key.kind {
        Type::Boolean if text.eq_ignore_ascii_case("true") => Value::Boolean(true),
        Type::Boolean if text.eq_ignore_ascii_case("false") => Value::Boolean(false),
        Type::Boolean => {
            let why = "Expected value to be either true or false";
            return Err(ConfigError::invalid(key, given, why));
        }
        Type::Int => Value::Int(text.parse().map_err(|_| not_a_number())?),
        Type::Short => Value::Short(text.parse().map_err(|_| not_a_number())?),
        Type::Long => Value::Long(text.parse().map_err(|_| not_a_number())?),
        Type::Double => Value::Double(text.parse().map_err(|_| not_a_number())?),
        Type::Text | Type::Class | Type::Password => Value::Text(text.into()),
        Type::List => Value::List(split_list(text)),
    })
}

/// `a, b` is two items, empty text none; an empty item stays one (`a,,b`).
fn split_list(text: &str) -> List {
    if text.is_empty() {
        return Arc::new([]);
    }
    text.split(',').map(|item| Arc::from(item.trim())).collect()
}

/// Checks a value of the key's type against what it declares.
fn validate(key: &Declaration, value: &Value) -> Result<(), ConfigError> {
    match key.check {
        Check::AtLeast(least) => check_range(key, value, Some(least), None),
        Check::Between(least, most) => check_range(key, value, Some(least), Some(most)),
        Check::Fraction(least, most) => check_fraction(key, value, least, most),
        Check::MinusOneOrAtLeast(least) => match number(value) {
            Some(n) if n != -1 && n < least => Err(ConfigError::invalid(
                key,
                &n.to_string(),
                format!("Value can be -1 or greater than {}", least - 1),
            )),
            _ => Ok(()),
        },
        Check::GzipLevel => match number(value) {
            Some(n) if n != -1 && !(1..=9).contains(&n) => Err(ConfigError::invalid(
                key,
                &n.to_string(),
                "Value must be between 1 and 9 or equal to -1",
            )),
            _ => Ok(()),
        },
        Check::OneOf(_) | Check::OneOfIgnoringCase(_) | Check::ListOf(_) => check_words(key, value),
        Check::NonEmptyText => match value {
            Value::Text(text) if text.is_empty() => {
                Err(ConfigError::invalid(key, text, "String must be non-empty"))
            }
            _ => Ok(()),
        },
        Check::Release => super::release::check(key, value),
        Check::ThrottledReplicas => super::topic_values::check_throttled(key, value),
        Check::Any | Check::NonEmptyList | Check::NonNullText => Ok(()),
    }
}

fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Int(n) => Some(i64::from(*n)),
        Value::Short(n) => Some(i64::from(*n)),
        Value::Long(n) => Some(*n),
        _ => None,
    }
}

fn check_range(
    key: &Declaration,
    value: &Value,
    least: Option<i64>,
    most: Option<i64>,
) -> Result<(), ConfigError> {
    let Some(n) = number(value) else { return Ok(()) };
    if let Some(least) = least.filter(|least| n < *least) {
        let why = format!("Value must be at least {least}");
        return Err(ConfigError::invalid(key, &n.to_string(), why));
    }
    if let Some(most) = most.filter(|most| n > *most) {
        let why = format!("Value must be no more than {most}");
        return Err(ConfigError::invalid(key, &n.to_string(), why));
    }
    Ok(())
}

fn check_fraction(
    key: &Declaration,
    value: &Value,
    least: f64,
    most: f64,
) -> Result<(), ConfigError> {
    let Value::Double(n) = value else { return Ok(()) };
    if *n < least {
        let why = format!("Value must be at least {least}");
        return Err(ConfigError::invalid(key, &display_double(*n), why));
    }
    if *n > most {
        let why = format!("Value must be no more than {most}");
        return Err(ConfigError::invalid(key, &display_double(*n), why));
    }
    Ok(())
}

fn check_words(key: &Declaration, value: &Value) -> Result<(), ConfigError> {
    let check = |word: &str| match key.check {
        Check::OneOfIgnoringCase(words) if !words.iter().any(|w| w.eq_ignore_ascii_case(word)) => {
            let why = format!("String must be one of (case insensitive): {}", words.join(", "));
            Err(ConfigError::invalid(key, word, why))
        }
        Check::OneOf(words) | Check::ListOf(words) if !words.contains(&word) => {
            let why = format!("String must be one of: {}", words.join(", "));
            Err(ConfigError::invalid(key, word, why))
        }
        _ => Ok(()),
    };
    match value {
        Value::Text(word) => check(word),
        Value::List(words) => words.iter().try_for_each(|word| check(word)),
        _ => Ok(()),
    }
}

/// As Java prints a double: `1.0`, `1.7976931348623157E308`.
pub fn display_double(value: f64) -> String {
    let magnitude = value.abs();
    if value == 0.0 || (1e-3..1e7).contains(&magnitude) {
        return format!("{value:?}");
    }
    let text = format!("{value:e}");
    match text.split_once('e') {
        Some((digits, exponent)) if digits.contains('.') => format!("{digits}E{exponent}"),
        Some((digits, exponent)) => format!("{digits}.0E{exponent}"),
        None => text,
    }
}

impl std::fmt::Display for Value {
    /// As Kafka's `ConfigDef.convertToString`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Value::Null => f.write_str("null"),
            Value::Boolean(value) => write!(f, "{value}"),
            Value::Int(value) => write!(f, "{value}"),
            Value::Short(value) => write!(f, "{value}"),
            Value::Long(value) => write!(f, "{value}"),
            Value::Double(value) => f.write_str(&display_double(*value)),
            Value::Text(value) => f.write_str(value),
            Value::List(items) => f.write_str(&items.join(",")),
        }
    }
}
