//! Every row of the table holds what the program relies on.

use std::collections::BTreeSet;

use super::*;
use crate::protocol::Speaks;
use crate::protocol::codec::effort;

#[test]
fn every_row_can_be_asked() {
    let table = ProviderSpec::table().unwrap();
    let mut ids = BTreeSet::new();
    for row in table.iter() {
        let id = &row.id;
        assert!(ids.insert(Arc::clone(id)), "{id} is there twice");
        assert!(id.bytes().all(|byte| byte.is_ascii_lowercase()), "{id} is written before a model's name");
        assert!(!row.speaks.is_empty() && !row.variables.is_empty(), "{id}");
        match (&row.base_url, &row.base_url_like) {
            (Some(_), None) => {
                let url = account(row).usual_address().unwrap_or_else(|| panic!("{id}: an address"));
                assert_eq!(url.scheme(), "https", "{id}: a key goes there");
                assert!(url.domain().is_some() && url.query().is_none(), "{id}");
                assert!(!url.path().ends_with("/v1"), "{id}: versions stand in `speaks`");
            }
            (None, Some(like)) => assert!(like.starts_with("https://") && like.contains("NAME"), "{id}"),
            (Some(_), Some(_)) | (None, None) => panic!("{id} has one address or an example of one"),
        }
        assert!(row.key_page.as_deref().is_none_or(|page| page.starts_with("https://")), "{id}: a browser opens it");
        for spoken in &row.speaks {
            assert!(spoken.since.is_none(), "{id}: what is hosted has one version");
            assert!(spoken.prefix.is_empty() || spoken.prefix.starts_with('/'), "{id}: {}", spoken.prefix);
            for operation in &spoken.operations {
                let path = Speaks::from(spoken).path_to(*operation, "m", false);
                assert!(path.is_some(), "{id}: {:?} has no {operation:?}", spoken.protocol);
            }
            assert!(spoken.shape.is_none_or(|shape| spoken.protocol.takes(shape)), "{id}: {:?}", spoken.shape);
        }
        let (KeyCheck::Get(path) | KeyCheck::RefusesEmpty(path)) = &row.check;
        let shown = path.to_string();
        assert!(shown.starts_with('/') || shown.starts_with("https://"), "{id}: {path}");
        for place in row.elsewhere.values() {
            assert!(place.starts_with('/') || place.starts_with("https://"), "{id}: {place}");
        }
        places_are_filled(row);
        for field in row.quirks.drop.iter().chain(row.quirks.rename.keys()) {
            assert!(
                !["model", "messages", "stream", "input"].contains(&&**field),
                "{id}: {field} is the question itself"
            );
        }
        for word in row.quirks.thinking.iter().flat_map(|habit| habit.says.keys()) {
            assert!(
                effort::parse(word).is_some_and(|it| effort::word(it) == word),
                "{id}: {word} is no word of OpenAI's"
            );
        }
        for to in row.quirks.rename.values() {
            assert!(!row.quirks.drop.contains(to), "{id}: {to} is made and dropped");
        }
    }
}

/// An account that says what it must, and no more.
fn account(row: &Arc<ProviderSpec>) -> Account {
    let needed = row.settings.iter().filter(|setting| setting.required);
    let settings = needed.map(|setting| (setting.name.clone(), "x".to_owned())).collect();
    Account::new(Arc::clone(row), settings).unwrap()
}

/// What stands in an address is always said.
#[track_caller]
fn places_are_filled(row: &Arc<ProviderSpec>) {
    let (KeyCheck::Get(path) | KeyCheck::RefusesEmpty(path)) = &row.check;
    let named = |template: &Template, with: Option<&str>| {
        for name in template.names() {
            let setting = row.settings.iter().find(|setting| setting.name == name);
            let setting = setting.unwrap_or_else(|| panic!("{}: `{name}` is no setting", row.id));
            let said = setting.required || setting.default.is_some() || with == Some(name);
            assert!(said && !(setting.required && setting.default.is_some()), "{}: {name}", row.id);
        }
    };
    for spoken in &row.speaks {
        for text in [&spoken.prefix].into_iter().chain(&spoken.query).chain(spoken.fields.values()) {
            named(&Template::from(&**text), spoken.with.as_deref());
        }
        for name in spoken.with.iter().chain(&spoken.without) {
            assert!(row.settings.iter().any(|setting| setting.name == *name), "{}: {name}", row.id);
        }
    }
    let apart = row.apart.iter().map(|apart| &apart.base_url);
    for template in [path].into_iter().chain(&row.base_url).chain(apart) {
        named(template, None);
    }
    for apart in &row.apart {
        assert!(row.settings.iter().any(|setting| setting.name == apart.setting), "{}: {}", row.id, apart.setting);
    }
}

#[test]
fn a_key_goes_into_one_header() {
    let table = ProviderSpec::table().unwrap();
    let check = |id: &str, protocol, expected: &str| {
        let row = table.iter().find(|row| *row.id == *id).unwrap();
        let (name, value) = row.credential(protocol, "k").unwrap();
        assert!(value.is_sensitive(), "it is never logged");
        assert_eq!(format!("{name}: {}", value.to_str().unwrap()), expected, "{id}");
    };
    check("openai", Protocol::OpenAiChat, "authorization: Bearer k");
    check("anthropic", Protocol::Anthropic, "x-api-key: k");
    check("gemini", Protocol::Gemini, "x-goog-api-key: k");
    check("deepseek", Protocol::Anthropic, "x-api-key: k");
    check("fireworks", Protocol::Anthropic, "authorization: Bearer k");
    check("dashscope", Protocol::OpenAiResponses, "authorization: Bearer k");
    assert!(KeyHeader::Bearer.carrying("a\nb").is_none(), "no header carries a line end");
}
