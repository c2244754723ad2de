//! Where each runtime keeps its models, by its own rules.
//!
//! Reads LM Studio's two small files that say where its home is; everything else is names. Whether a folder exists is
//! asked later, when it is walked. Only our own environment can be known: a service started with another one has its
//! models elsewhere, and the user names that folder in the settings.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The operating systems that keep their data in different places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Os {
    /// Linux, and what is like it.
    Linux,
    /// macOS.
    MacOs,
    /// Windows.
    Windows,
}

impl Os {
    /// The one this program was built for.
    pub const HERE: Os = if cfg!(target_os = "macos") {
        Os::MacOs
    } else if cfg!(windows) {
        Os::Windows
    } else {
        Os::Linux
    };
}

/// The folders to look in, by who keeps models there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    /// Folders that the user named, and ours.
    pub own: Vec<PathBuf>,
    /// LM Studio's: `<publisher>/<repository>/<file>.gguf`.
    pub lm_studio: Vec<PathBuf>,
    /// Ollama's: `manifests` and `blobs`.
    pub ollama: Vec<PathBuf>,
    /// Hugging Face caches: `models--<organisation>--<repository>`.
    pub hugging_face: Vec<PathBuf>,
    /// llama.cpp's cache until March 2026: files side by side.
    pub llama_cpp: Vec<PathBuf>,
    /// Jan's: `<organisation>/<repository>/model.gguf`.
    pub jan: Vec<PathBuf>,
    /// GPT4All's: files side by side.
    pub gpt4all: Vec<PathBuf>,
}

impl Places {
    /// Where the runtimes keep their models for the user with this home and environment. `own` is left empty.
    pub fn of(home: &Path, environment: &dyn Fn(&str) -> Option<String>, os: Os) -> Places {
        // A relative path would depend on where we were started.
        let folder = |name: &str| environment(name).map(PathBuf::from).filter(|path| path.has_root());
        let data = match os {
            Os::Linux => folder("XDG_DATA_HOME").unwrap_or_else(|| home.join(".local/share")),
            Os::MacOs => home.join("Library/Application Support"),
            Os::Windows => folder("LOCALAPPDATA").unwrap_or_else(|| home.join("AppData/Local")),
        };
        let jan = match os {
            Os::Linux | Os::MacOs => data.clone(),
            Os::Windows => folder("APPDATA").unwrap_or_else(|| home.join("AppData/Roaming")),
        };
        let cache = folder("XDG_CACHE_HOME").unwrap_or_else(|| home.join(".cache"));
        let old_cache = match os {
            Os::Linux => cache.clone(),
            Os::MacOs => home.join("Library/Caches"),
            Os::Windows => data.clone(),
        };
        let hub = folder("HF_HUB_CACHE")
            .or_else(|| folder("HUGGINGFACE_HUB_CACHE"))
            .or_else(|| Some(folder("HF_HOME")?.join("hub")))
            .unwrap_or_else(|| cache.join("huggingface/hub"));
        // llama.cpp alone looks here first, and did so before it took on Hugging Face's layout.
        let llama_cache = folder("LLAMA_CACHE");
        let service = (os == Os::Linux).then(|| PathBuf::from("/usr/share/ollama/.ollama/models"));

        Places {
            own: Vec::new(),
            lm_studio: lm_studio(home),
            ollama: each_once([folder("OLLAMA_MODELS"), Some(home.join(".ollama/models")), service]),
            hugging_face: each_once([llama_cache.clone(), Some(hub)]),
            llama_cpp: each_once([llama_cache, Some(old_cache.join("llama.cpp"))]),
            jan: vec![jan.join("Jan/data/llamacpp/models")],
            gpt4all: vec![data.join("nomic.ai/GPT4All")],
        }
    }
}

/// LM Studio's home is where a pointer in the user's home says; its settings may put the downloads elsewhere again.
fn lm_studio(home: &Path) -> Vec<PathBuf> {
    let pointed = small_file(&home.join(".lmstudio-home-pointer"))
        .map(|text| PathBuf::from(text.trim()))
        .filter(|path| path.has_root());
    let lm_studio = pointed.unwrap_or_else(|| {
        let old = home.join(".cache/lm-studio");
        if old.is_dir() { old } else { home.join(".lmstudio") }
    });
    let downloads = small_file(&lm_studio.join("settings.json"))
        .and_then(|text| serde_json::from_str::<serde_json::Value>(&text).ok())
        .and_then(|settings| Some(PathBuf::from(settings.get("downloadsFolder")?.as_str()?)))
        .filter(|path| path.has_root());
    // What was downloaded before the folder was changed still lies in the old one.
    each_once([downloads, Some(lm_studio.join("models"))])
}

fn each_once(folders: impl IntoIterator<Item = Option<PathBuf>>) -> Vec<PathBuf> {
    let mut once: Vec<PathBuf> = Vec::new();
    for folder in folders.into_iter().flatten() {
        if !once.contains(&folder) {
            once.push(folder);
        }
    }
    once
}

/// The text of a file that should be small: at most 1 MiB of it, and only if it is a file.
pub(super) fn small_file(path: &Path) -> Option<String> {
    if !std::fs::metadata(path).ok()?.is_file() {
        return None;
    }
    let mut text = String::new();
    File::open(path).ok()?.take(1 << 20).read_to_string(&mut text).ok()?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn of(home: &Path, environment: &[(&str, &str)], os: Os) -> Places {
        let look =
            |name: &str| environment.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        Places::of(home, &look, os)
    }

    fn paths(home: &Path, names: &[&str]) -> Vec<PathBuf> {
        names.iter().map(|name| home.join(name)).collect()
    }

    #[test]
    fn every_system_has_its_own_folders() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path();
        let check = |os, jan: &str, gpt4all: &str, llama_cpp: &str, ollama: &[&str]| {
            let places = of(home, &[], os);
            assert_eq!(places.own, Vec::<PathBuf>::new());
            assert_eq!(places.jan, paths(home, &[jan]));
            assert_eq!(places.gpt4all, paths(home, &[gpt4all]));
            assert_eq!(places.llama_cpp, paths(home, &[llama_cpp]));
            assert_eq!(places.ollama, paths(home, ollama));
            assert_eq!(places.hugging_face, paths(home, &[".cache/huggingface/hub"]));
            assert_eq!(places.lm_studio, paths(home, &[".lmstudio/models"]));
        };
        check(
            Os::Linux,
            ".local/share/Jan/data/llamacpp/models",
            ".local/share/nomic.ai/GPT4All",
            ".cache/llama.cpp",
            &[".ollama/models", "/usr/share/ollama/.ollama/models"],
        );
        check(
            Os::MacOs,
            "Library/Application Support/Jan/data/llamacpp/models",
            "Library/Application Support/nomic.ai/GPT4All",
            "Library/Caches/llama.cpp",
            &[".ollama/models"],
        );
        check(
            Os::Windows,
            "AppData/Roaming/Jan/data/llamacpp/models",
            "AppData/Local/nomic.ai/GPT4All",
            "AppData/Local/llama.cpp",
            &[".ollama/models"],
        );
    }

    #[test]
    fn the_environment_moves_folders() {
        let home = Path::new("/home/u");
        let ollama = of(home, &[("OLLAMA_MODELS", "/big/ollama")], Os::MacOs).ollama;
        assert_eq!(ollama, paths(home, &["/big/ollama", ".ollama/models"]));
        let relative = of(home, &[("OLLAMA_MODELS", "models"), ("HF_HOME", "")], Os::MacOs);
        assert_eq!(relative, of(home, &[], Os::MacOs), "a relative path says nothing");

        let hub = |environment: &[(&str, &str)]| of(home, environment, Os::Linux).hugging_face;
        let all = [
            ("XDG_CACHE_HOME", "/xdg"),
            ("HF_HOME", "/hf"),
            ("HUGGINGFACE_HUB_CACHE", "/older"),
            ("HF_HUB_CACHE", "/newer"),
            ("LLAMA_CACHE", "/llama"),
        ];
        assert_eq!(hub(&all[..1]), paths(home, &["/xdg/huggingface/hub"]));
        assert_eq!(hub(&all[..2]), paths(home, &["/hf/hub"]));
        assert_eq!(hub(&all[..3]), paths(home, &["/older"]));
        assert_eq!(hub(&all[..4]), paths(home, &["/newer"]));
        assert_eq!(hub(&all), paths(home, &["/llama", "/newer"]), "only llama.cpp follows its own variable");
        assert_eq!(of(home, &all, Os::Linux).llama_cpp, paths(home, &["/llama", "/xdg/llama.cpp"]));
    }

    #[test]
    fn lm_studio_is_found_where_it_says() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path();
        let check = |expected: &[&str]| assert_eq!(of(home, &[], Os::Linux).lm_studio, paths(home, expected));
        check(&[".lmstudio/models"]);
        fs::create_dir_all(home.join(".cache/lm-studio")).unwrap();
        check(&[".cache/lm-studio/models"]);
        let moved = home.join("moved");
        fs::create_dir_all(&moved).unwrap();
        fs::write(home.join(".lmstudio-home-pointer"), format!("{}\n", moved.display())).unwrap();
        check(&["moved/models"]);
        let downloads = home.join("downloads");
        let settings = serde_json::json!({ "downloadsFolder": downloads });
        fs::write(moved.join("settings.json"), settings.to_string()).unwrap();
        check(&["downloads", "moved/models"]);
        fs::write(moved.join("settings.json"), "{ half").unwrap();
        check(&["moved/models"]);
    }
}
