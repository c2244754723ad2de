use std::path::Path;

use crate::disk::gguf::fixture::Gguf;
use crate::disk::tests::Disk;
use crate::disk::{Found, Source};

const WEIGHTS: char = 'a';
const PROJECTOR: char = 'b';
const TEMPLATE: char = 'c';

/// A digest that is easy to tell from others.
fn digest(letter: char) -> String {
    format!("sha256:{}", letter.to_string().repeat(64))
}

fn layer(kind: &str, letter: char) -> String {
    format!(r#"{{"mediaType":"application/vnd.ollama.image.{kind}","digest":"{}","size":1}}"#, digest(letter))
}

fn manifest(layers: &[String]) -> String {
    let config = digest('0');
    format!(r#"{{"schemaVersion":2,"config":{{"digest":"{config}"}},"layers":[{}]}}"#, layers.join(","))
}

/// A store with weights, a projector and a template among its blobs.
fn store() -> Disk {
    let disk = Disk::new();
    let blob = |letter| format!("ollama/blobs/{}", digest(letter).replace(':', "-"));
    disk.write(&blob(WEIGHTS), Gguf::chat().bytes())
        .write(&blob(PROJECTOR), Gguf::projector().bytes())
        .write(&blob(TEMPLATE), "{{ .Prompt }}");
    disk
}

fn find(disk: &Disk) -> Found {
    disk.find(&[(Source::Ollama, "ollama")])
}

#[test]
fn names_models_as_ollama_does() {
    let check = |path: &str, expected: &[&str]| {
        let disk = store();
        disk.write(&format!("ollama/{path}"), manifest(&[layer("model", WEIGHTS)]));
        assert_eq!(find(&disk).ids(), expected, "{path}");
    };
    check("manifests/registry.ollama.ai/library/llama3/8b", &["llama3:8b"]);
    check("manifests/registry.ollama.ai/library/llama3/latest", &["llama3:latest"]);
    check("manifests/registry.ollama.ai/alice/llama3/8b", &["alice/llama3:8b"]);
    check("manifests/hf.co/unsloth/Qwen3-8B-GGUF/Q4_K_M", &["hf.co/unsloth/Qwen3-8B-GGUF:Q4_K_M"]);
    check("manifests-v2/registry.ollama.ai/library/llama3/8b", &["llama3:8b"]);
    check("manifests/registry.ollama.ai/library/llama3/.DS_Store", &[]);
    check("manifests/registry.ollama.ai/library/too-shallow", &[]);
    check("manifests/registry.ollama.ai/library/too/deep/8b", &[]);
}

#[test]
fn takes_projector_and_template_from_the_layers() {
    let disk = store();
    let layers = [layer("model", WEIGHTS), layer("projector", PROJECTOR), layer("template", TEMPLATE)];
    disk.write("ollama/manifests/registry.ollama.ai/library/gemma3/4b", manifest(&layers));
    let found = find(&disk);
    let [model] = &found.models[..] else { panic!("one model: {found:?}") };
    assert_eq!(model.source, Source::Ollama);
    assert_eq!(model.path, disk.path(&format!("ollama/blobs/{}", digest(WEIGHTS).replace(':', "-"))));
    assert_eq!(model.projector, Some(disk.path(&format!("ollama/blobs/{}", digest(PROJECTOR).replace(':', "-")))));
    assert_eq!(model.template.as_deref(), Some("{{ .Prompt }}"));
    assert_eq!(model.size, Gguf::chat().bytes().len() as u64);
}

#[test]
fn two_tags_of_the_same_weights_are_one_model() {
    let disk = store();
    for tag in ["8b", "latest"] {
        disk.write(
            &format!("ollama/manifests/registry.ollama.ai/library/llama3/{tag}"),
            manifest(&[layer("model", WEIGHTS)]),
        );
    }
    let found = find(&disk);
    assert_eq!(found.ids(), ["llama3:8b"]);
    assert_eq!(found.models[0].aliases, ["llama3:latest"]);
}

#[test]
fn says_why_a_model_is_not_offered() {
    let check = |manifest: &str, expected: &str| {
        let disk = store();
        disk.write("ollama/manifests/registry.ollama.ai/library/m/1b", manifest);
        let found = find(&disk);
        assert_eq!(found.ids(), Vec::<&str>::new());
        let reasons = found.reasons();
        assert!(reasons.len() == 1 && reasons[0].contains(expected), "{reasons:?} should say `{expected}`");
    };
    check(&manifest(&[layer("tensor", 'd'), layer("tensor", 'e')]), "MLX");
    check(&manifest(&[]), "no weights on this disk");
    check(&manifest(&[layer("model", 'f')]), "lacks its weights");
    check(&manifest(&[layer("model", WEIGHTS), layer("adapter", 'd')]), "needs an adapter");
    check(&manifest(&[layer("model", WEIGHTS), layer("model", PROJECTOR)]), "several files");
    check(&manifest(&[layer("model", TEMPLATE)]), "not a GGUF file");
    check(&manifest(&[layer("model", PROJECTOR)]), "no language model");
    check(&manifest(&[layer("model", WEIGHTS)]).replace("sha256:aaaa", "sha256:../../"), "no SHA-256 digest");
    check(&manifest(&[layer("model", WEIGHTS)]).replace("sha256:", "sha256:a"), "no SHA-256 digest");
    check("", "no manifest");
    check("[1, 2", "no manifest");
    check(r#"{"layers": "none"}"#, "no manifest");
    check(&"[".repeat(100_000), "no manifest");
    check(&"x".repeat(3 << 20), "no manifest");
}

#[test]
fn a_corrupt_manifest_costs_only_its_own_model() {
    let disk = store();
    disk.write("ollama/manifests/registry.ollama.ai/library/a/1b", "{")
        .write("ollama/manifests/registry.ollama.ai/library/b/1b", [0xff, 0xfe])
        .write("ollama/manifests/registry.ollama.ai/library/c/1b", manifest(&[layer("model", WEIGHTS)]));
    let found = find(&disk);
    assert_eq!(found.ids(), ["c:1b"]);
    assert_eq!(found.refusals.len(), 2);
}

#[test]
fn of_a_list_of_manifests_takes_the_one_with_gguf() {
    let list = |children: &[String]| {
        let kind = "application/vnd.ollama.manifest.list.v2+json";
        format!(r#"{{"schemaVersion":2,"mediaType":"{kind}","manifests":[{}]}}"#, children.join(","))
    };
    let child = |runner: &str, rest: &str| format!(r#"{{"runner":"{runner}",{rest}}}"#);
    let mlx = child("mlx", &format!(r#""layers":[{}]"#, layer("tensor", 'd')));
    let whole = child("llamacpp", &format!(r#""layers":[{}]"#, layer("model", WEIGHTS)));
    let by_digest = child("ollama", &format!(r#""digest":"{}""#, digest('e')));
    let check = |children: &[String], ids: &[&str]| {
        let disk = store();
        disk.write(&format!("ollama/blobs/sha256-{}", "e".repeat(64)), manifest(&[layer("model", WEIGHTS)]))
            .write("ollama/manifests-v2/registry.ollama.ai/library/m/1b", list(children));
        assert_eq!(find(&disk).ids(), ids);
    };
    check(&[mlx.clone(), whole], &["m:1b"]);
    check(&[mlx.clone(), by_digest], &["m:1b"]);
    check(&[mlx], &[]);
    check(&[], &[]);
}

#[cfg(unix)]
#[test]
fn a_newer_name_that_leads_nowhere_leaves_the_older_in_charge() {
    let disk = store();
    disk.write("ollama/manifests/registry.ollama.ai/library/m/1b", manifest(&[layer("model", WEIGHTS)]))
        .link("ollama/manifests-v2/registry.ollama.ai/library/m/1b", Path::new("../../../../blobs/sha256-gone"));
    let found = find(&disk);
    assert_eq!(found.ids(), ["m:1b"]);
    assert_eq!(found.refusals, []);
}
