use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;
use tempfile::TempDir;

use super::super::client_key::mint;
use super::super::read::load;
use super::super::{ConfiguredEndpoint, DEFAULTS, Settings};
use super::*;
use crate::protocol::Protocol;
use crate::settings::prices::Prices;

struct File {
    _folder: TempDir,
    path: PathBuf,
}

fn file(text: &str) -> File {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("settings.toml");
    fs::write(&path, text).unwrap();
    File { _folder: folder, path }
}

impl File {
    fn text(&self) -> String {
        fs::read_to_string(&self.path).unwrap()
    }

    fn settings(&self) -> Settings {
        load(&self.path).unwrap().settings
    }
}

fn targets(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn key(name: &str) -> ClientKey {
    ClientKey { name: name.into(), hash: format!("sha256:{}", "ab".repeat(32)), created: Some("2026-11-22".into()) }
}

/// A file before and after an edit.
#[track_caller]
fn check<T>(before: &str, edit: impl Fn(&Path) -> Result<T, EditError>, after: &str) -> T {
    let file = file(before);
    let done = edit(&file.path).unwrap();
    assert_eq!(file.text(), after);
    if !before.contains('\n') {
        return done;
    }
    // The same with Windows' line ends.
    let windows = self::file(&before.replace('\n', "\r\n"));
    edit(&windows.path).unwrap();
    assert_eq!(windows.text(), after.replace('\n', "\r\n"));
    done
}

#[test]
fn sets_a_value_and_takes_it_out_again() {
    let to = |key: &'static str, value: Option<toml_edit::Value>| {
        move |path: &Path| set_value(path, key, value.as_ref()).map(drop)
    };
    check("", to("port", Some(4748.into())), "port = 4748\n");
    check("# mine\nport = 1 # old\n", to("port", Some(4748.into())), "# mine\nport = 4748 # old\n");
    check("port = 1\nlocal_only = true\n", to("port", None), "local_only = true\n");
    check("port = 1\n", to("log.level", None), "port = 1\n");
    check("", to("log.level", Some("debug".into())), "[log]\nlevel = \"debug\"\n");
    check(
        "[log]\n# loud\nlevel = 'trace'\n",
        to("log.level", Some("info".into())),
        "[log]\n# loud\nlevel = \"info\"\n",
    );
    check("log.level = 'trace'\n", to("log.level", Some("info".into())), "log.level = \"info\"\n");
    check("[builtin]\ncontext = 1\nthreads = 2\n", to("builtin.context", None), "[builtin]\nthreads = 2\n");
    let on = || to("builtin.enabled", Some("on".into()));
    check("port = 1\n", on(), "port = 1\n\n[builtin]\nenabled = \"on\"\n");
    check(
        "[builtin]\nenabled = \"off\" # for now\nthreads = 2\n",
        on(),
        "[builtin]\nenabled = \"on\" # for now\nthreads = 2\n",
    );
    let file = file("local_only = true\n");
    let error = set_value(&file.path, "log.level", Some(&"loud".into())).unwrap_err();
    assert!(error.to_string().contains("`log.level` is one of"), "{error}");
    assert_eq!(file.text(), "local_only = true\n", "what would be no good settings is not written");
}

#[test]
fn adds_an_endpoint_and_removes_it() {
    let lab = |url: &str| ConfiguredEndpoint {
        name: "lab".into(),
        provider: None,
        base_url: url.parse().unwrap(),
        protocol: vec![Protocol::OpenAiChat, Protocol::Anthropic],
        key: Some("file:lab".parse().unwrap()),
        spare_keys: Vec::new(),
        models: vec!["m".into()],
        allow_private: true,
        prices: Prices::default(),
    };
    let bare = ConfiguredEndpoint {
        protocol: Vec::new(),
        key: None,
        models: Vec::new(),
        allow_private: false,
        ..lab("https://a.example/x/")
    };
    let written = "[[endpoints]]\nname = \"lab\"\nbase_url = \"https://a.example/x\"\n";
    check("", |path| add_endpoint(path, &bare), written);
    let file = file("# mine\n");
    add_endpoint(&file.path, &lab("http://10.0.0.1:8000")).unwrap();
    assert_eq!(file.settings().endpoints, [lab("http://10.0.0.1:8000")]);
    let twice = add_endpoint(&file.path, &bare).unwrap_err();
    assert!(matches!(twice, EditError::EndpointExists(_)), "{twice}");
    assert!(check(written, |path| remove_endpoint(path, "lab"), ""));
    assert!(!check(written, |path| remove_endpoint(path, "b"), written));
    let (other, provided) =
        ("[[endpoints]]\nname = 'b'\nbase_url = 'http://b'\n", "[[endpoints]]\nprovider = 'groq'\n");
    assert!(
        check(&format!("{other}{provided}"), |path| remove_endpoint(path, "groq"), other),
        "its name is the provider's"
    );
}

#[test]
fn turns_local_only_on_and_off() {
    let on = |path: &Path| set_local_only(path, true);
    check("", on, "local_only = true\n");
    check(
        "local_only  =  false   # for the train\nport = 1\n",
        on,
        "local_only  =  true   # for the train\nport = 1\n",
    );
    check("port = 1", on, "port = 1\nlocal_only = true\n");
    check("# mine\n\n[log]\nlevel = 'warn'\n", on, "local_only = true\n# mine\n\n[log]\nlevel = 'warn'\n");
    check("# nothing yet\n", on, "# nothing yet\n\nlocal_only = true\n");
    check("# nothing yet", on, "# nothing yet\n\nlocal_only = true\n");
}

#[test]
fn makes_and_changes_routes() {
    let set = |path: &Path| set_route(path, "code", &targets(&["ollama:a", "b"]), Some(8));
    let route = "[routes.code]\ntargets = [\"ollama:a\", \"b\"]\ncontext = 8\n";
    check("", set, route);
    check("port = 1\n", set, &format!("port = 1\n\n{route}"));
    check("[routes.x]\n\n# end\n", set, &format!("[routes.x]\n\n{route}\n# end\n"));
    check(
        "# a\n[routes.code] # b\n# c\ntargets = ['x'] # d\ncontext = 1 # e\n# f\n",
        set,
        "# a\n[routes.code] # b\n# c\ntargets = [\"ollama:a\", \"b\"] # d\ncontext = 8 # e\n# f\n",
    );
    check(
        "[routes]\ncode = {targets = ['x']}\n",
        set,
        "[routes]\ncode = {targets = [\"ollama:a\", \"b\"], context = 8 }\n",
    );
    check("routes = {x = {}}\n", set, "routes = {x = {}, code = { targets = [\"ollama:a\", \"b\"], context = 8 } }\n");
    let plain = |path: &Path| set_route(path, "code", &targets(&["x"]), None);
    check("[routes.code]\ntargets = []\ncontext = 1\n[usage]\n", plain, "[routes.code]\ntargets = [\"x\"]\n[usage]\n");
}

#[test]
fn removes_routes_and_what_belongs_to_them() {
    let remove = |path: &Path| remove_route(path, "code");
    assert!(check("port = 1\n\n[routes.code]\ntargets = []\n", remove, "port = 1\n"));
    assert!(check(
        "[routes.a]\n\n# about code\n[routes.code]\ntargets = []\n# about b\n[routes.b]\n",
        remove,
        "[routes.a]\n\n# about b\n[routes.b]\n",
    ));
    assert!(check("# my settings\n\n[routes.code]\ntargets = []\n", remove, "# my settings\n\n"));
    assert!(check("# mine\n\n# about code\n[routes.code]\n\n[log]\n", remove, "# mine\n\n[log]\n"));
    assert!(!check("# mine\nport = 1", remove, "# mine\nport = 1"));
    assert!(check("routes.code.targets = []\nroutes.a.targets = []\n", remove, "routes.a.targets = []\n"));
}

#[test]
fn adds_and_removes_client_keys() {
    let add = |path: &Path| add_client_key(path, &key("editor"));
    let hash = key("").hash;
    let entry = format!("[[client_keys]]\nname = \"editor\"\nhash = \"{hash}\"\ncreated = \"2026-11-22\"\n");
    check("", add, &entry);
    check("port = 1 # x\n\n# end\n", add, &format!("port = 1 # x\n\n{entry}\n# end\n"));
    let other = entry.replace("editor", "other");
    check(&other, add, &format!("{other}\n{entry}"));
    check(
        &format!("client_keys = [{{name = 'other', hash = '{hash}'}}]\n"),
        add,
        &format!(
            "client_keys = [{{name = 'other', hash = '{hash}'}}, {{ name = \"editor\", hash = \"{hash}\", created = \"2026-11-22\" }}]\n"
        ),
    );

    let remove = |path: &Path| remove_client_key(path, "editor");
    assert!(check(&entry, remove, ""));
    assert!(check(&format!("# a\n\n{other}\n# c\n{entry}\n# b\n"), remove, &format!("# a\n\n{other}\n# b\n")));
    assert!(check(&format!("client_keys = [{{name = 'editor', hash = '{hash}'}}]\n"), remove, "client_keys = []\n"));
    assert!(!check(&other, remove, &other));
}

#[test]
fn writes_where_an_endpoints_key_is() {
    let endpoint = "[[endpoints]]\nname = 'lab'\nbase_url = 'http://lab' # y\n";
    let reference: CredentialRef = "keychain:lab".parse().unwrap();
    let set = |path: &Path| set_endpoint_key(path, "lab", &reference);
    let other = endpoint.replace("lab", "other");
    check(&format!("{other}{endpoint}\n# z\n"), set, &format!("{other}{endpoint}key = \"keychain:lab\"\n\n# z\n"));
    let had = |value: &str| format!("{endpoint}key = {value} # x\nmodels = ['a']\n{other}");
    check(&had("'env:A'"), set, &had("\"keychain:lab\""));
    check(
        "endpoints = [{name='lab', base_url='http://a'}]",
        set,
        "endpoints = [{name='lab', base_url='http://a', key = \"keychain:lab\" }]\n",
    );

    let unset = |path: &Path| unset_endpoint_key(path, "lab");
    assert!(check(&had("'env:A'"), unset, &format!("{endpoint}models = ['a']\n{other}")));
    assert!(!check(endpoint, unset, endpoint));
    assert!(matches!(set_endpoint_key(&file(&other).path, "lab", &reference), Err(EditError::NoSuchEndpoint(_))));
}

#[test]
fn a_mistake_is_never_made_worse() {
    let untouched = |before: &str, part: &str, edit: &dyn Fn(&Path) -> Result<(), EditError>| {
        let file = file(before);
        let refused = edit(&file.path).unwrap_err();
        assert!(refused.to_string().contains(part), "{refused}");
        assert_eq!(file.text(), before);
    };
    let on = |path: &Path| set_local_only(path, true);
    untouched("port = \n", "mend it first: line 1", &on);
    untouched("port = 'x'\n", "mend it first: line 1", &on);
    untouched("", "cannot be used", &|path| set_route(path, "a b", &[], None));
    untouched("", "left as they are", &|path| set_route(path, "a", &[], Some(0)));
    untouched("", "left as they are", &|path| set_route(path, "a", &targets(&["a\nb"]), None));
    untouched("", "cannot be used", &|path| add_client_key(path, &key("a b")));
    untouched("", "64 hexadecimal digits", &|path| add_client_key(path, &ClientKey { hash: "x".into(), ..key("a") }));
    let text = format!("[[client_keys]]\nname = 'a'\nhash = '{}'\n", key("").hash);
    untouched(&text, "pointsman keys remove a", &|path| add_client_key(path, &key("a")));
}

#[test]
fn the_mark_at_the_beginning_stays() {
    let file = file("\u{feff}port = 1\r\n");
    set_local_only(&file.path, true).unwrap();
    assert_eq!(file.text(), "\u{feff}port = 1\r\nlocal_only = true\r\n");
}

#[test]
fn a_whole_life() {
    let file = file(DEFAULTS);
    set_local_only(&file.path, true).unwrap();
    set_route(&file.path, "code", &targets(&["a"]), Some(1)).unwrap();
    let (_, key) = mint("editor", "2026-11-22").unwrap();
    add_client_key(&file.path, &key).unwrap();
    let settings = file.settings();
    assert!(settings.local_only && settings.routes["code"].context == Some(1));
    assert_eq!(settings.client_keys, [key]);
    assert!(remove_client_key(&file.path, "editor").unwrap());
    assert!(remove_route(&file.path, "code").unwrap());
    set_local_only(&file.path, false).unwrap();
    assert_eq!(file.text().trim_end(), DEFAULTS.trim_end(), "what is undone leaves no trace");
}

/// Settings as people write them: comments anywhere, both line ends, both ways to write tables.
fn texts() -> impl Strategy<Value = String> {
    let comment = "(# [a-z=\\[\\]\" ]{0,9}|[ \t]{0,2})";
    let top = proptest::sample::select(vec![
        "port  = 1 # p",
        "local_only = false#x",
        "bind = [ # a\n  '::1', # b\n]",
        "require_key='hosted'",
        "unknown = \"\"\"\na\n\"\"\"",
    ]);
    let table = proptest::sample::select(vec![
        "[log]\nlevel = 'warn'",
        "[limits]\n  idle_seconds = 3 # s",
        "[routes.\"code\"] # r\ntargets = ['x']\n\n# c\ncontext = 9",
        "[routes.fast]",
        "[usage]\nretention_days=1",
        "[aliases]\n'x*' = 'default'",
        "[routes]\nslow = { targets = [ ] }",
    ]);
    let list = proptest::sample::select(vec!["name = 'lab'", "name = 'b'\n\n# mine\nkey = 'env:A' # k"]);
    let endpoint = list.prop_map(|entry| format!("[[endpoints]]\n{entry}\nbase_url = 'http://a'"));
    let client = proptest::sample::select(vec!["editor", "c"])
        .prop_map(|name| format!("[[ client_keys ]]\nhash = 'sha256:{}'\nname = '{name}' # n", "0".repeat(64)));
    let body = prop_oneof![table.prop_map(str::to_owned), endpoint, client];
    let tops = proptest::collection::vec((comment, top.prop_map(str::to_owned)), 0..3);
    let bodies = proptest::collection::vec((comment, body), 0..6);
    (tops, bodies, comment, proptest::collection::vec(any::<bool>(), 64)).prop_map(|(tops, bodies, last, ends)| {
        let text: String =
            tops.into_iter().chain(bodies).map(|(comment, body)| format!("{comment}\n{body}\n")).collect();
        let lines = text.lines().zip(ends.iter().cycle());
        lines.map(|(line, windows)| format!("{line}{}", if *windows { "\r\n" } else { "\n" })).collect::<String>()
            + &last
    })
}

/// Lines of one text that another lacks: those outside their longest common subsequence.
fn lost<'t>(before: &'t str, after: &str) -> Vec<&'t str> {
    let lines = |text: &'t str| text.split_inclusive('\n').collect::<Vec<_>>();
    let (before, after) = (lines(before), after.split_inclusive('\n').collect::<Vec<_>>());
    // A last line without an end may get one.
    let same = |a: &str, b: &str| a == b || !a.ends_with('\n') && a.trim_end() == b.trim_end();
    let mut common = vec![vec![0; after.len() + 1]; before.len() + 1];
    for (i, a) in before.iter().enumerate().rev() {
        for (j, b) in after.iter().enumerate().rev() {
            common[i][j] = match same(a, b) {
                true => common[i + 1][j + 1] + 1,
                false => common[i + 1][j].max(common[i][j + 1]),
            };
        }
    }
    let (mut lost, mut j) = (Vec::new(), 0);
    for (i, line) in before.iter().enumerate() {
        while j < after.len() && !same(line, after[j]) && common[i][j + 1] == common[i][j] {
            j += 1;
        }
        if j < after.len() && same(line, after[j]) { j += 1 } else { lost.push(*line) }
    }
    lost
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]
    #[test]
    fn every_other_line_stays_byte_for_byte(text in texts(), which in 0..7_usize) {
        let file = file(&text);
        let path = &file.path;
        let reference: CredentialRef = "file:lab".parse().unwrap();
        let (done, theirs): (Result<(), EditError>, &[&str]) = match which {
            0 => (set_local_only(path, true), &["local_only"]),
            1 => (set_route(path, "code", &targets(&["y"]), Some(5)), &["targets", "context"]),
            2 => (set_route(path, "slow", &targets(&["y"]), None), &["slow"]),
            3 => (add_client_key(path, &key("new")), &[]),
            4 => (set_endpoint_key(path, "lab", &reference), &[]),
            5 => (remove_client_key(path, "editor").map(drop), &["[[ client_keys ]]", "hash", "name", "#", ""]),
            _ => (remove_route(path, "code").map(drop), &["[routes.\"code\"]", "targets", "context", "#", ""]),
        };
        if let Err(refused) = done {
            let expected = read(&text).is_err() || matches!(refused, EditError::NoSuchEndpoint(_));
            prop_assert!(expected, "{refused}:\n{text}");
            prop_assert_eq!(file.text(), text, "what is refused is not written");
            return Ok(());
        }
        let after = file.text();
        for line in lost(&text, &after) {
            let own = theirs.iter().any(|start| line.trim_start().starts_with(start) && (!start.is_empty() || line.trim().is_empty()));
            prop_assert!(own, "{line:?} is lost:\n{text}\nbecame\n{after}");
        }
        if which < 5 {
            let added = after.lines().count().saturating_sub(text.lines().count());
            prop_assert!(added <= 5, "{added} lines are new:\n{text}\nbecame\n{after}");
        }
    }
}
