//! A text of a provider's row with places that each account fills: `https://{location}-aiplatform.googleapis.com`.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;

/// A text in which `{name}` stands for a setting. Settings have letters that need no escape in a URL, so it is filled as
/// it stands.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Template(String);

impl Template {
    /// The text, if every account has the same.
    pub fn fixed(&self) -> Option<&str> {
        (!self.0.contains('{')).then_some(&self.0)
    }

    /// The names of its places.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name)
    }

    /// The text with every place filled; nothing stands where `value` knows nothing.
    pub fn fill<'v>(&self, value: impl Fn(&str) -> Option<&'v str>) -> Cow<'_, str> {
        if let Some(fixed) = self.fixed() {
            return Cow::Borrowed(fixed);
        }
        let mut pieces = self.0.split('{');
        let mut filled = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let (name, rest) = piece.split_once('}').unwrap_or(("", piece));
            filled.push_str(value(name).unwrap_or_default());
            filled.push_str(rest);
        }
        Cow::Owned(filled)
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for Template {
    fn from(text: &str) -> Template {
        Template(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, names: &[&str], expected: &str) {
        let template = Template::from(text);
        assert_eq!(template.names().collect::<Vec<_>>(), names, "{text}");
        let value = |name: &str| match name {
            "location" => Some("eu-west1"),
            "project" => Some("p"),
            _ => None,
        };
        assert_eq!(template.fill(value), expected, "{text}");
    }

    #[test]
    fn places_are_filled() {
        check("https://api.example", &[], "https://api.example");
        check("", &[], "");
        check("https://{location}.example", &["location"], "https://eu-west1.example");
        check("/v1/{project}/at/{location}", &["project", "location"], "/v1/p/at/eu-west1");
        check("/{unknown}/x", &["unknown"], "//x");
    }
}
