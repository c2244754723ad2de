use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::gguf::fixture::Gguf;
use super::*;

/// A disk of our own to lay models on.
pub(super) struct Disk {
    root: TempDir,
}

impl Disk {
    pub(super) fn new() -> Disk {
        Disk { root: tempfile::tempdir().unwrap() }
    }

    pub(super) fn path(&self, below: &str) -> PathBuf {
        self.root.path().join(below)
    }

    pub(super) fn write(&self, below: &str, bytes: impl AsRef<[u8]>) -> &Disk {
        let path = self.path(below);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
        self
    }

    pub(super) fn chat(&self, below: &str) -> &Disk {
        self.write(below, Gguf::chat().bytes())
    }

    #[cfg(unix)]
    pub(super) fn link(&self, below: &str, target: impl AsRef<Path>) -> &Disk {
        let path = self.path(below);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(target, path).unwrap();
        self
    }

    /// What is found with these folders as places.
    pub(super) fn find(&self, places: &[(Source, &str)]) -> Found {
        self.find_with(places, &mut Headers::default())
    }

    fn find_with(&self, places: &[(Source, &str)], headers: &mut Headers) -> Found {
        let mut all = Places::default();
        for (source, below) in places {
            let list = match source {
                Source::Own => &mut all.own,
                Source::LmStudio => &mut all.lm_studio,
                Source::Ollama => &mut all.ollama,
                Source::HuggingFace => &mut all.hugging_face,
                Source::LlamaCpp => &mut all.llama_cpp,
                Source::Jan => &mut all.jan,
                Source::Gpt4All => &mut all.gpt4all,
            };
            list.push(self.path(below));
        }
        find(&all, headers)
    }

    /// The ids found below one folder, and what was refused: `file: reason`.
    pub(super) fn check(&self, source: Source, below: &str, ids: &[&str], refusals: &[&str]) -> Found {
        let found = self.find(&[(source, below)]);
        assert_eq!(found.ids(), ids, "models");
        assert_eq!(found.reasons(), refusals, "refusals");
        found
    }
}

impl Found {
    pub(super) fn ids(&self) -> Vec<&str> {
        self.models.iter().map(|model| model.id.as_str()).collect()
    }

    pub(super) fn reasons(&self) -> Vec<String> {
        let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        self.refusals.iter().map(|refusal| format!("{}: {}", name(&refusal.path), refusal.reason)).collect()
    }

    fn projector(&self, id: &str) -> Option<String> {
        let model = self.models.iter().find(|model| model.id == id).unwrap();
        Some(model.projector.as_ref()?.file_name()?.to_string_lossy().into_owned())
    }
}

#[test]
fn lists_models_by_file_name_wherever_they_lie_in_a_folder() {
    let disk = Disk::new();
    disk.chat("own/SmolLM2-135M-Q4_1.gguf").chat("own/a/b/Qwen3 8B.GGUF").write("own/notes.txt", "no model");
    let found = disk.check(Source::Own, "own", &["SmolLM2-135M-Q4_1", "Qwen3-8B"], &[]);
    let model = &found.models[0];
    assert_eq!(model.path, disk.path("own/SmolLM2-135M-Q4_1.gguf"));
    assert_eq!(model.size, fs::metadata(&model.path).unwrap().len());
    assert_eq!(model.header.trained_context, Some(2048));
    assert_eq!(model.memory_estimate(100), Some(model.size + 100 * 256), "two layers of 128 bytes a token");
}

#[test]
fn a_place_that_does_not_exist_is_no_news() {
    let places = [Source::Own, Source::LmStudio, Source::Ollama, Source::HuggingFace, Source::LlamaCpp, Source::Jan];
    let found = Disk::new().find(&places.map(|source| (source, "missing")));
    assert_eq!(found, Found::default());
}

#[test]
fn leaves_out_helpers_and_unfinished_files_quietly() {
    let disk = Disk::new();
    disk.chat("own/model-a.gguf")
        .chat("own/mtp-Qwen3-8B.gguf")
        .chat("own/eagle3-Qwen3-8B.gguf")
        .chat("own/b.gguf.part")
        .chat("own/c.gguf.downloadInProgress")
        .chat("own/d.gguf-partial")
        .chat("own/incomplete-e.gguf")
        .chat("own/._f.gguf")
        .chat("own/.trash/g.gguf")
        .write("own/lora.gguf", Gguf::model("llama").text("adapter.type", "lora").bytes())
        .write("own/imatrix.gguf", Gguf::model("llama").text("general.type", "imatrix").bytes())
        .write("own/head.gguf", Gguf::model("eagle3").bytes());
    disk.check(Source::Own, "own", &["model-a"], &[]);
}

#[test]
fn says_why_a_file_is_not_offered() {
    let disk = Disk::new();
    let chat = Gguf::chat().bytes();
    disk.write("own/cut.gguf", &chat[..chat.len() - 64])
        .write("own/flux1-dev-Q4_K_S.gguf", Gguf::new("flux").tensor(0).bytes())
        .write("own/page.gguf", "<html>404</html>")
        .write("own/renamed.gguf", Gguf::chat().number("split.no", 0).number("split.count", 3).bytes())
        .write("own/vocab.gguf", Gguf::new("llama").number("llama.block_count", 1).bytes());
    disk.check(
        Source::Own,
        "own",
        &[],
        &[
            "cut.gguf: ends too early: the download or the copy is unfinished",
            "flux1-dev-Q4_K_S.gguf: is no language model (architecture `flux`)",
            "page.gguf: is not a GGUF file",
            "renamed.gguf: is the first of 3 parts, but is not named so that they can be found",
            "vocab.gguf: holds a vocabulary and no weights",
        ],
    );
}

#[test]
fn a_model_in_parts_is_one_model() {
    let disk = Disk::new();
    disk.chat("own/Big-Q4_K_M-00001-of-00003.gguf")
        .write("own/Big-Q4_K_M-00002-of-00003.gguf", [0; 1000])
        .write("own/Big-Q4_K_M-00003-of-00003.gguf", [0; 500])
        .chat("own/Torn-00001-of-00002.gguf");
    let found = disk.check(Source::Own, "own", &["Big-Q4_K_M"], &["Torn-00001-of-00002.gguf: lacks part 2 of 2"]);
    assert_eq!(found.models[0].size, Gguf::chat().bytes().len() as u64 + 1500);
}

#[test]
fn a_projector_goes_to_the_model_it_was_made_for() {
    let projector = Gguf::projector().bytes();
    let disk = Disk::new();
    disk.chat("lm/google/gemma-3-4b-it-GGUF/gemma-3-4b-it-Q4_K_M.gguf")
        .chat("lm/google/gemma-3-4b-it-GGUF/gemma-3-4b-it-Q8_0.gguf")
        .write("lm/google/gemma-3-4b-it-GGUF/mmproj-model-f16.gguf", &projector)
        .write("lm/google/gemma-3-4b-it-GGUF/mmproj-model-f32.gguf", &projector)
        .write("lm/google/gemma-3-4b-it-GGUF/mmproj-model-bf16.gguf", &projector);
    let found = disk.check(Source::LmStudio, "lm", &["gemma-3-4b-it-Q4_K_M", "gemma-3-4b-it-Q8_0"], &[]);
    assert_eq!(found.projector("gemma-3-4b-it-Q4_K_M").as_deref(), Some("mmproj-model-f16.gguf"));
    assert_eq!(found.projector("gemma-3-4b-it-Q8_0").as_deref(), Some("mmproj-model-f16.gguf"));

    // One folder for everything: only the name tells.
    disk.chat("own/gemma-3-4b-it-Q4_K_M.gguf")
        .write("own/Qwen3-8B.gguf", Gguf::model("qwen3").bytes())
        .write("own/mmproj-gemma-3-4b-it-f16.gguf", &projector)
        .write("own/mmproj-f16.gguf", &projector)
        .write("own/mmproj-page.gguf", "<html>404</html>");
    let ids = ["Qwen3-8B", "gemma-3-4b-it-Q4_K_M"];
    let found = disk.check(Source::Own, "own", &ids, &["mmproj-page.gguf: is not a GGUF file"]);
    assert_eq!(found.projector("gemma-3-4b-it-Q4_K_M").as_deref(), Some("mmproj-gemma-3-4b-it-f16.gguf"));
    assert_eq!(found.projector("Qwen3-8B"), None);
}

#[test]
fn a_name_that_says_nothing_gives_way_to_the_repository() {
    let disk = Disk::new();
    disk.chat("jan/Menlo/Jan-v1-4B-GGUF/model.gguf").chat("jan/bartowski/Qwen3-8B-Q4_K_M/model.gguf");
    let found = disk.check(Source::Jan, "jan", &["Jan-v1-4B-Q4_K_M", "Qwen3-8B-Q4_K_M"], &[]);
    let mut publishers: Vec<&str> = found.models.iter().filter_map(|model| model.publisher.as_deref()).collect();
    publishers.sort_unstable();
    assert_eq!(publishers, ["Menlo", "bartowski"]);
}

#[test]
fn caches_that_lie_flat_keep_their_owners_apart() {
    let disk = Disk::new();
    disk.chat("llama/ggml-org_gemma-3-1b-it-GGUF_gemma-3-1b-it-Q4_K_M.gguf")
        .chat("llama/unsloth_Qwen3-8B-GGUF_ggml-model-Q4_0.gguf")
        .write("llama/unsloth_Qwen3-8B-GGUF_mmproj-model-f16.gguf", Gguf::projector().bytes())
        .write("llama/manifest=unsloth=Qwen3-8B-GGUF=latest.json", "{}")
        .chat("llama/deeper/not-ours.gguf");
    let found = disk.check(Source::LlamaCpp, "llama", &["gemma-3-1b-it-Q4_K_M", "Qwen3-8B-Q4_K_M"], &[]);
    assert_eq!(found.projector("gemma-3-1b-it-Q4_K_M"), None);
    assert!(found.projector("Qwen3-8B-Q4_K_M").is_some_and(|name| name.ends_with("mmproj-model-f16.gguf")));
}

#[test]
fn every_id_is_different() {
    let disk = Disk::new();
    disk.chat("own/x.gguf")
        .chat("own/deep/X.gguf")
        .chat("own/deep/deeper/x.gguf")
        .chat("lm/alice/x-GGUF/x.gguf")
        .chat("lm/bob/x-GGUF/x.gguf")
        .chat("gpt4all/x.gguf")
        .chat("jan/bob/x-GGUF/x.gguf");
    let places = [(Source::Own, "own"), (Source::LmStudio, "lm"), (Source::Jan, "jan"), (Source::Gpt4All, "gpt4all")];
    let found = disk.find(&places);
    assert_eq!(found.ids(), ["x", "X@own", "x@deep", "x@alice", "x@bob", "x@jan", "x@gpt4all"]);
}

#[cfg(unix)]
#[test]
fn a_file_is_listed_once_whatever_links_lead_to_it() {
    let disk = Disk::new();
    disk.chat("own/first.gguf").link("own/second.gguf", disk.path("own/first.gguf"));
    fs::create_dir_all(disk.path("lm/a/b")).unwrap();
    fs::hard_link(disk.path("own/first.gguf"), disk.path("lm/a/b/third.gguf")).unwrap();
    let found = disk.find(&[(Source::Own, "own"), (Source::LmStudio, "lm"), (Source::LlamaCpp, "own")]);
    assert_eq!(found.ids(), ["first"]);
    assert_eq!(found.models[0].aliases, ["second", "third"]);
}

#[cfg(unix)]
#[test]
fn links_in_circles_and_into_nowhere_end() {
    let disk = Disk::new();
    disk.chat("own/a/model-a.gguf")
        .link("own/a/up", disk.path("own"))
        .link("own/self", disk.path("own/self"))
        .link("own/gone.gguf", disk.path("nowhere"));
    let found = disk.find(&[(Source::Own, "own")]);
    assert_eq!(found.ids(), ["model-a"]);
    assert_eq!(found.reasons().len(), 1, "only the link to itself is worth a word: {:?}", found.reasons());
}

#[cfg(unix)]
#[test]
fn a_pipe_is_not_opened() {
    let disk = Disk::new();
    disk.chat("own/model-a.gguf");
    let made = std::process::Command::new("mkfifo").arg(disk.path("own/pipe.gguf")).status().unwrap();
    assert!(made.success());
    disk.check(Source::Own, "own", &["model-a"], &[]);
}

#[test]
fn depth_has_an_end() {
    let disk = Disk::new();
    disk.chat("own/1/2/3/4/5/deep.gguf").chat("own/1/2/3/4/5/6/deeper.gguf");
    disk.check(Source::Own, "own", &["deep"], &[]);
}

#[cfg(unix)]
#[test]
fn an_unreadable_folder_costs_only_itself() {
    use std::os::unix::fs::PermissionsExt;
    let disk = Disk::new();
    disk.chat("own/model-a.gguf").chat("own/locked/b.gguf");
    fs::set_permissions(disk.path("own/locked"), fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read_dir(disk.path("own/locked")).is_ok() {
        println!("left out: this user may read everything");
        return;
    }
    let found = disk.find(&[(Source::Own, "own")]);
    fs::set_permissions(disk.path("own/locked"), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(found.ids(), ["model-a"]);
    assert!(found.reasons()[0].starts_with("locked: cannot be read"), "{:?}", found.reasons());
}

#[test]
fn looking_again_reads_only_what_has_changed() {
    let disk = Disk::new();
    disk.chat("own/same.gguf").chat("own/changed.gguf").chat("own/gone.gguf").write("own/bad.gguf", "no GGUF at all");
    let mut headers = Headers::default();
    let places = [(Source::Own, "own")];
    let before = disk.find_with(&places, &mut headers);
    assert_eq!(before.ids(), ["changed", "gone", "same"]);

    // The same size and date, but other bytes: what is remembered is taken for true.
    let modified = fs::metadata(disk.path("own/same.gguf")).unwrap().modified().unwrap();
    disk.write("own/same.gguf", vec![0; Gguf::chat().bytes().len()]);
    fs::File::options().write(true).open(disk.path("own/same.gguf")).unwrap().set_modified(modified).unwrap();
    disk.write("own/changed.gguf", Gguf::model("qwen3").text("general.name", "new").bytes());
    fs::remove_file(disk.path("own/gone.gguf")).unwrap();
    let after = disk.find_with(&places, &mut headers);
    assert_eq!(after.ids(), ["changed", "same"]);
    assert_eq!(after.models[0].header.name.as_deref(), Some("new"));
    assert_eq!(after.models[1], before.models[2]);
    assert_eq!(after.refusals, before.refusals, "a refusal is remembered too");
    assert_eq!(headers.known.len(), 3, "what is gone is forgotten");
}
