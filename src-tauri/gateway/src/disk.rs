//! Knows the models that lie on this disk, whoever downloaded them.
//!
//! It looks where each runtime keeps its models and reads their headers. It starts nothing, opens no socket, changes no
//! file, and does not know which of the models a running server offers: that is discovery's business. Where to look
//! comes in as [`Places`]; the calls wait for the disk, so they belong on a thread that may.

/// Folders of GGUF files: LM Studio, Jan, GPT4All, llama.cpp's old cache, the user's own.
mod folders;
/// The header of a GGUF file.
pub mod gguf;
/// The cache shared by llama.cpp, vLLM and all that downloads from Hugging Face.
mod huggingface;
/// What file names give away.
mod names;
/// Ollama's manifests and blobs.
mod ollama;
/// Where each runtime keeps its models.
mod places;
/// Walking folders without getting lost.
mod walk;

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use gguf::{GgufError, Header};
pub use places::{Os, Places};
use walk::Identity;

/// More models than any disk holds; the rest are not listed.
const MOST_MODELS: usize = 5_000;

/// A model that a runtime could load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskModel {
    /// A name that people recognise, different from every other model's here: `llama3:8b`, `Qwen3-8B-Q4_K_M`.
    pub id: String,
    /// Other names of the same bytes: Ollama's second tag, another app's copy by link.
    pub aliases: Vec<String>,
    /// The file to load; of a model in parts, the first.
    pub path: PathBuf,
    /// The file that lets it see or hear.
    pub projector: Option<PathBuf>,
    /// Who keeps it.
    pub source: Source,
    /// Who published it, where the folders say.
    pub publisher: Option<String>,
    /// Bytes of all its parts, without the projector.
    pub size: u64,
    /// When it was written.
    pub modified: SystemTime,
    /// What its file says about it.
    pub header: Header,
    /// Ollama's own template, in Go's template language, which only Ollama understands.
    pub template: Option<String>,
}

impl DiskModel {
    /// The weights of all parts and a context of this many tokens.
    pub fn memory_estimate(&self, context: u32) -> Option<u64> {
        self.size.checked_add(self.header.kv_bytes(context)?)
    }
}

/// Who keeps a model on this disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// A folder of the user's or of ours.
    Own,
    /// LM Studio.
    LmStudio,
    /// Ollama.
    Ollama,
    /// The Hugging Face cache.
    HuggingFace,
    /// llama.cpp's cache before it moved to Hugging Face's.
    LlamaCpp,
    /// Jan.
    Jan,
    /// GPT4All.
    Gpt4All,
}

impl Source {
    /// A short name, as it stands in ids: `lm-studio`.
    pub fn name(self) -> &'static str {
        match self {
            Source::Own => "own",
            Source::LmStudio => "lm-studio",
            Source::Ollama => "ollama",
            Source::HuggingFace => "hugging-face",
            Source::LlamaCpp => "llama-cpp",
            Source::Jan => "jan",
            Source::Gpt4All => "gpt4all",
        }
    }
}

/// Something that was looked at and is not offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The file or folder.
    pub path: PathBuf,
    /// Why, in words that go on from the path: "is not a GGUF file".
    pub reason: String,
}

/// What a look at the disk gave.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The models, by source and path.
    pub models: Vec<DiskModel>,
    /// What could not be read or used.
    pub refusals: Vec<Refusal>,
}

/// Looks through all places. A place that does not exist is no news; a failure concerns one file or folder only.
pub fn find(places: &Places, headers: &mut Headers) -> Found {
    headers.start();
    let mut scan = Scan { headers, refusals: Vec::new() };
    let mut models = Vec::new();
    for root in &places.own {
        models.extend(folders::find(root, Source::Own, &mut scan));
    }
    for root in &places.lm_studio {
        models.extend(folders::find(root, Source::LmStudio, &mut scan));
    }
    for root in &places.ollama {
        models.extend(ollama::find(root, &mut scan));
    }
    for root in &places.hugging_face {
        models.extend(huggingface::find(root, &mut scan));
    }
    for root in &places.llama_cpp {
        models.extend(folders::find(root, Source::LlamaCpp, &mut scan));
    }
    for root in &places.jan {
        models.extend(folders::find(root, Source::Jan, &mut scan));
    }
    for root in &places.gpt4all {
        models.extend(folders::find(root, Source::Gpt4All, &mut scan));
    }
    let mut refusals = scan.refusals;
    headers.forget_unseen();

    let mut models = once_each(models);
    if models.len() > MOST_MODELS {
        models.truncate(MOST_MODELS);
        refusals.push(Refusal {
            path: PathBuf::new(),
            reason: format!("more than {MOST_MODELS} models: the rest are left out"),
        });
    }
    give_ids(&mut models);
    Found { models, refusals }
}

/// One look at the disk: what it remembers, and what it could not use.
struct Scan<'a> {
    headers: &'a mut Headers,
    refusals: Vec<Refusal>,
}

impl Scan<'_> {
    fn refuse(&mut self, path: &Path, reason: impl Into<String>) {
        self.refusals.push(Refusal { path: path.to_owned(), reason: reason.into() });
    }

    /// The header of a file, or a note why there is none.
    fn header(&mut self, path: &Path, size: u64, modified: SystemTime) -> Option<Header> {
        match self.headers.read(path, size, modified) {
            Ok(header) => Some(header),
            Err(reason) => {
                self.refuse(path, reason);
                None
            }
        }
    }
}

/// Headers read before, so that looking again reads only what has changed.
#[derive(Debug, Default)]
pub struct Headers {
    known: HashMap<PathBuf, Known>,
}

#[derive(Debug)]
struct Known {
    size: u64,
    modified: SystemTime,
    header: Result<Header, String>,
    seen: bool,
}

impl Headers {
    fn start(&mut self) {
        for known in self.known.values_mut() {
            known.seen = false;
        }
    }

    fn read(&mut self, path: &Path, size: u64, modified: SystemTime) -> Result<Header, String> {
        if let Some(known) = self.known.get_mut(path)
            && (known.size, known.modified) == (size, modified)
        {
            known.seen = true;
            return known.header.clone();
        }
        let header = match gguf::read_header(path) {
            // Rights may change without the file's date: ask again next time.
            Err(GgufError::Io(error)) => return Err(GgufError::Io(error).to_string()),
            header => header.map_err(|error| error.to_string()),
        };
        self.known.insert(path.to_owned(), Known { size, modified, header: header.clone(), seen: true });
        header
    }

    fn forget_unseen(&mut self) {
        self.known.retain(|_, known| known.seen);
    }
}

/// Every file once, under the name by which it was found first; later names become aliases.
fn once_each(models: Vec<DiskModel>) -> Vec<DiskModel> {
    let mut places: HashMap<Identity, usize> = HashMap::new();
    let mut kept: Vec<DiskModel> = Vec::new();
    for model in models {
        match walk::identity(&model.path).map(|identity| *places.entry(identity).or_insert(kept.len())) {
            Some(place) if place < kept.len() => {
                let first = &mut kept[place];
                if first.id != model.id && !first.aliases.contains(&model.id) {
                    first.aliases.push(model.id);
                }
            }
            _ => kept.push(model),
        }
    }
    kept
}

/// Makes ids differ, also for those who do not mind upper and lower case: `x`, `x@jan`, `x@jan-2`.
fn give_ids(models: &mut [DiskModel]) {
    let mut taken: HashSet<String> = HashSet::new();
    for model in models.iter_mut() {
        let owners = [model.publisher.as_deref(), Some(model.source.name())];
        let named = owners.into_iter().flatten().map(|owner| format!("{}@{owner}", model.id));
        let numbered = (2..).map(|number| format!("{}@{}-{number}", model.id, model.source.name()));
        let id = std::iter::once(model.id.clone())
            .chain(named)
            .chain(numbered)
            .find(|id| !taken.contains(&id.to_lowercase()));
        if let Some(id) = id {
            taken.insert(id.to_lowercase());
            model.id = id;
        }
    }
    for model in models {
        model.aliases.retain(|alias| taken.insert(alias.to_lowercase()));
    }
}
