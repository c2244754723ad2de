//! An object of which one field is read at once, and of the others only where they end.
//!
//! Most of a request is one list: its turns. To find where such a list ends takes as long as to read it, so that it is read
//! in the pass that splits the object into its fields. Where that fails nothing is said: whoever reads the object field by
//! field finds the fault and names it.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// An object's fields, each the text that it was, by their names. Of two with one name the last one holds.
///
/// A sorted list, since most objects have two or three fields.
#[derive(Debug, Default)]
pub(crate) struct Entries<'a>(Vec<Entry<'a>>);

/// A field's name and its text; none once somebody took it.
type Entry<'a> = (Cow<'a, str>, Option<&'a RawValue>);

impl<'a> Entries<'a> {
    /// The text of a field.
    pub(crate) fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.find(name).and_then(|at| self.0[at].1)
    }

    /// Takes a field.
    pub(crate) fn take(&mut self, name: &str) -> Option<&'a RawValue> {
        self.find(name).and_then(|at| self.0[at].1.take())
    }

    /// Those that nobody took, by their names.
    pub(crate) fn left(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.0.iter().filter_map(|(name, raw)| Some((&**name, (*raw)?)))
    }

    /// The same under other names. Where two become one, the one that came first holds.
    pub(crate) fn renamed(self, rename: impl Fn(&str) -> String) -> Entries<'a> {
        let renamed = self.0.into_iter().map(|(name, raw)| (Cow::Owned(rename(&name)), raw));
        let mut entries: Vec<Entry<'a>> = renamed.collect();
        // All are slices of one body: the lower address came first.
        entries.sort_by_key(|(_, raw)| std::cmp::Reverse(raw.map(|raw| raw.get().as_ptr())));
        Entries::settled(entries)
    }

    fn find(&self, name: &str) -> Option<usize> {
        self.0.binary_search_by(|(known, _)| (**known).cmp(name)).ok()
    }

    fn settled(mut entries: Vec<Entry<'a>>) -> Entries<'a> {
        // Stable: of equal names the last one stands last.
        entries.sort_by(|(one, _), (other, _)| one.cmp(other));
        if entries.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            entries.reverse();
            entries.dedup_by(|(one, _), (kept, _)| one == kept);
            entries.reverse();
        }
        Entries(entries)
    }
}

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
                let (mut field, mut rest) = (None, Vec::new());
                while let Some(Key(key)) = map.next_key()? {
                    if key == N::NAME {
                        field = map.next_value()?;
                    } else {
                        rest.push((key, Some(map.next_value()?)));
                    }
                }
                Ok(Apart { field, rest: Entries::settled(rest), name: PhantomData })
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
                let mut entries = Vec::new();
                while let Some(Key(key)) = map.next_key()? {
                    entries.push((key, Some(map.next_value()?)));
                }
                Ok(Entries::settled(entries))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}
