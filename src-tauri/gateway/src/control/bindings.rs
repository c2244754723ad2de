//! The window's types, written from the control types: `ui/src/bindings.ts`.
//!
//! In tests only. The file is committed, so that the window builds without a Rust compiler; the test says when it is old.

use std::any::TypeId;
use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use ts_rs::{Config, TS, TypeVisitor};

use super::{Command, Reply};
use crate::environment::Environment;
use crate::usage::table::request::Request;

/// What stands above the types.
const HEAD: &str = "\
// The shapes that go between the window and the gateway. Written by a test from `src-tauri/gateway/src/control`: change
// them there, then run `POINTSMAN_BLESS=1 cargo test --workspace --lib bindings`.

/** Any JSON. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
";

/// A row of a request as it is told: with its price, worked out when it is asked for.
#[derive(TS)]
#[ts(rename = "Request")]
pub(super) struct RequestRow {
    #[ts(flatten)]
    _row: Request,
    /// US dollars as text, where the price is known.
    #[ts(optional, rename = "cost_usd")]
    _cost_usd: Option<String>,
}

/// Every type that is reached, by its name: the order in which they are reached changes from build to build.
struct Types {
    config: Config,
    seen: HashSet<TypeId>,
    written: BTreeMap<String, String>,
}

impl TypeVisitor for Types {
    fn visit<T: TS + 'static + ?Sized>(&mut self) {
        // What has no place of its own is written where it is used.
        if T::output_path().is_some() && self.seen.insert(TypeId::of::<T>()) {
            let docs = T::docs().unwrap_or_default();
            let written = format!("\n{docs}export {}", T::decl(&self.config));
            let written = written.lines().flat_map(|line| [line.trim_end(), "\n"]).collect();
            self.written.insert(T::ident(&self.config), written);
            T::visit_dependencies(self);
        } else if T::output_path().is_none() {
            T::visit_generics(self);
        }
    }
}

#[test]
fn the_windows_types_are_these() {
    // A count in JSON is JavaScript's own number: none here passes 2^53.
    let config = Config::new().with_large_int("number");
    let mut types = Types { config, seen: HashSet::new(), written: BTreeMap::new() };
    types.visit::<Command>();
    types.visit::<Reply>();
    let text: String = std::iter::once(HEAD).chain(types.written.values().map(String::as_str)).collect();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ui/src/bindings.ts");
    if Environment::of_process().get("POINTSMAN_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &text).unwrap();
        return;
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
    assert!(
        there == text,
        "ui/src/bindings.ts is not what the gateway's types say; write it anew with \
         `POINTSMAN_BLESS=1 cargo test --workspace --lib bindings`, and look at what changed"
    );
}
