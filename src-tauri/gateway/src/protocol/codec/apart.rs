//! An object of which one field is read at once, and of the others only where they end.
//!
//! Most of a request is one list: its turns. To find where such a list ends takes as long as to read it, so that it is read
//! in the pass that splits the object into its fields. Where that fails nothing is said: whoever reads the object field by
//! field finds the fault and names it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// An object's fields, each the text that it was.
#[derive(Debug, Default)]
pub(crate) struct Entries<'a>(pub(crate) BTreeMap<Cow<'a, str>, &'a RawValue>);

/// The name of a field.
pub(crate) trait Named {
    /// As it stands in the object.
    const NAME: &'static str;
}

/// The turns in most APIs.
pub(crate) enum Messages {}
/// The items of OpenAI's Responses.
pub(crate) enum Input {}
/// Gemini's turns.
pub(crate) enum Contents {}
/// The parts of one of them.
pub(crate) enum Parts {}

impl Named for Messages {
    const NAME: &'static str = "messages";
}

impl Named for Input {
    const NAME: &'static str = "input";
}

impl Named for Contents {
    const NAME: &'static str = "contents";
}

impl Named for Parts {
    const NAME: &'static str = "parts";
}

/// An object with the field `N` apart, which is `None` where it is absent or null.
pub(crate) struct Apart<'a, N, T> {
    pub(crate) field: Option<T>,
    pub(crate) rest: Entries<'a>,
    name: PhantomData<N>,
}

/// A key; serde copies a bare `Cow`.
#[derive(serde::Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de, N: Named, T: Deserialize<'de>> Deserialize<'de> for Apart<'de, N, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<N, T>(PhantomData<(N, T)>);
        impl<'de, N: Named, T: Deserialize<'de>> Visitor<'de> for Reader<N, T> {
            type Value = Apart<'de, N, T>;
            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut apart = Apart { field: None, rest: Entries::default(), name: PhantomData };
                while let Some(Key(key)) = map.next_key()? {
                    if key == N::NAME {
                        apart.field = map.next_value()?;
                    } else {
                        apart.rest.0.insert(key, map.next_value()?);
                    }
                }
                Ok(apart)
            }
        }
        deserializer.deserialize_map(Reader(PhantomData))
    }
}

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Entries<'de>;
            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<'de>, A::Error> {
                let mut entries = Entries::default();
                while let Some(Key(key)) = map.next_key()? {
                    entries.0.insert(key, map.next_value()?);
                }
                Ok(entries)
            }
        }
        deserializer.deserialize_map(Reader)
    }
}
