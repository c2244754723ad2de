//! Parts of the README that a test writes, so that they are true.

use std::path::Path;

use pointsman_gateway::environment::Environment;

/// Fails unless the README has this text between `<!-- NAME:begin -->` and `<!-- NAME:end -->`; with `POINTSMAN_BLESS=1` it
/// is written there.
#[track_caller]
pub(crate) fn says(name: &str, text: &str) {
    let (begin, end) = (format!("<!-- {name}:begin -->"), format!("<!-- {name}:end -->"));
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let readme = std::fs::read_to_string(&file).expect("README.md");
    let (head, rest) = readme.split_once(&begin).expect("a place for it");
    let (known, tail) = rest.split_once(&end).expect("its end");
    let wanted = format!("\n{text}");
    if known == wanted {
        return;
    }
    let blessed = Environment::of_process().get("POINTSMAN_BLESS").is_some();
    assert!(blessed, "README's {name} is not what is so (POINTSMAN_BLESS=1 writes it anew):\n{text}");
    std::fs::write(&file, format!("{head}{begin}{wanted}{end}{tail}")).expect("README.md");
}
