//! What is declared about a configuration key, and the macro in which the declarations are written.
//!
//! A row is the only place that knows a key: parsing, validation, DescribeConfigs, dynamic changes
//! and the manual (`config/keys.md`) all read it. The columns are those of Kafka's `ConfigDef`.

use super::value::Kind;
use std::marker::PhantomData;

/// Kafka's `ConfigDef.Type`; the discriminant is the `configType` byte of DescribeConfigs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Type {
    Boolean = 1,
    Text = 2,
    Int = 3,
    Short = 4,
    Long = 5,
    Double = 6,
    List = 7,
    Class = 8,
    Password = 9,
}

impl Type {
    /// As Kafka names it: `INT`, `STRING`.
    pub fn name(self) -> &'static str {
        match self {
            Type::Boolean => "BOOLEAN",
            Type::Text => "STRING",
            Type::Int => "INT",
            Type::Short => "SHORT",
            Type::Long => "LONG",
            Type::Double => "DOUBLE",
            Type::List => "LIST",
            Type::Class => "CLASS",
            Type::Password => "PASSWORD",
        }
    }
}

/// Which values a key takes, beyond what its type says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Check {
    /// Every value of the type.
    Any,
    /// A number of at least this.
    AtLeast(i64),
    /// A number between these, both included.
    Between(i64, i64),
    /// A floating-point number between these, both included.
    Fraction(f64, f64),
    /// -1, or a number of at least this.
    MinusOneOrAtLeast(i64),
    /// -1, or a gzip level of 1 to 9.
    GzipLevel,
    /// One of these strings.
    OneOf(&'static [&'static str]),
    /// One of these strings in any case.
    OneOfIgnoringCase(&'static [&'static str]),
    /// A list of these strings; it may be empty.
    ListOf(&'static [&'static str]),
    /// A list; Kafka documents it as non-empty, but takes the empty default.
    NonEmptyList,
    /// A string with something in it (or no value at all, where that is the default).
    NonEmptyText,
    /// Any string, but not the absence of one.
    NonNullText,
    /// A Kafka release: `3.9`, `3.9-IV0`.
    Release,
    /// `*`, or `partition:broker` pairs.
    ThrottledReplicas,
}

/// How much a user should care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Importance {
    High,
    Medium,
    Low,
}

/// Whether and where a broker key may be changed while the broker runs (KIP-226).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Update {
    /// Only by a restart.
    ReadOnly,
    /// For one broker, or for all of them.
    ClusterWide,
    /// For one broker only.
    PerBroker,
}

/// What setting a key does here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// What Kafka does with it.
    Honoured,
    /// Nothing, for this reason; a warning at start says so when the user sets it.
    None(&'static str),
}

/// A declared key. The same for broker keys and topic keys; the latter are all dynamic.
#[derive(Clone, Copy, Debug)]
pub struct Declaration {
    /// Kafka's name.
    pub name: &'static str,
    /// Type.
    pub kind: Type,
    /// Default as Kafka prints it; `None` where a key has no value unless set.
    pub default: Option<&'static str>,
    /// Valid values.
    pub check: Check,
    /// Importance.
    pub importance: Importance,
    /// Whether it can change at run time.
    pub update: Update,
    /// Accepted in the file, but never described.
    pub internal: bool,
    /// Whether it does anything.
    pub effect: Effect,
    /// What it is for.
    pub doc: &'static str,
}

/// A broker key whose value has type `T`.
///
/// ```
/// use ottla::config::{BrokerConfig, key};
/// assert_eq!(BrokerConfig::default().get(key::NUM_PARTITIONS), 1);
/// ```
pub struct Key<T> {
    pub(super) index: u16,
    value: PhantomData<fn() -> T>,
}

impl<T> Clone for Key<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Key<T> {}

impl<T> Key<T> {
    pub(super) const fn at(index: u16) -> Self {
        Key { index, value: PhantomData }
    }

    /// What is declared about it.
    pub fn declaration(self) -> &'static Declaration {
        super::key::declaration(self.index)
    }

    /// Kafka's name of it.
    pub fn name(self) -> &'static str {
        self.declaration().name
    }
}

/// The value type of a kind; `Int` becomes `i32`.
pub type ValueOf<K> = <K as Kind>::Value;

/// A macro for `null` and literals in the default column.
macro_rules! default_value {
    (null) => {
        None
    };
    ($text:literal) => {
        Some($text)
    };
}

/// Whether the flag was written.
macro_rules! flag {
    () => {
        false
    };
    (internal) => {
        true
    };
}

/// The last column.
macro_rules! effect {
    () => {
        $crate::config::declare::Effect::Honoured
    };
    ($why:literal) => {
        $crate::config::declare::Effect::None($why)
    };
}

/// Declares one file of keys: `NAME: Kind = "name", default, check, importance, update;` with
/// `Update(internal)` and `, no_effect "why"` where they apply. `after` names the file before it,
/// so that every key knows its place in the one table of all keys.
macro_rules! keys {
    (
        after $previous:path;
        $(
            $(#[doc = $doc:literal])+
            $constant:ident: $kind:ty = $name:literal, $default:tt, $check:expr, $importance:ident,
                $update:ident $(($internal:ident))? $(, no_effect $why:literal)?;
        )+
    ) => {
        use $crate::config::declare::{
            Check::*, Declaration, Importance, Key, Update, ValueOf, default_value, effect, flag,
        };
        #[allow(unused_imports)]
        use $crate::config::value::kinds::*;
        use $previous as previous;

        #[allow(non_camel_case_types, clippy::upper_case_acronyms)]
        enum Place { $($constant),+ }

        const FIRST: u16 = previous::END;
        pub(in $crate::config) const END: u16 = FIRST + DECLARATIONS.len() as u16;

        $(
            $(#[doc = $doc])+
            pub const $constant: Key<ValueOf<$kind>> = Key::at(FIRST + Place::$constant as u16);
        )+

        pub(in $crate::config) const DECLARATIONS: &[Declaration] = &[
            $(
                Declaration {
                    name: $name,
                    kind: <$kind as $crate::config::value::Kind>::TYPE,
                    default: default_value!($default),
                    check: $check,
                    importance: Importance::$importance,
                    update: Update::$update,
                    internal: flag!($($internal)?),
                    effect: effect!($($why)?),
                    doc: concat!($($doc),+),
                },
            )+
        ];
    };
}

pub(super) use {default_value, effect, flag, keys};
