//! Models in folders of GGUF files: one file a model, or one in several parts, with its helpers beside it.
//!
//! Which folders there are, and who keeps models in them, is not known here.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::gguf::Header;
use super::walk::{self, File};
use super::{DiskModel, Scan, Source, names};

/// A file and what its place says about it.
pub(super) struct Placed {
    pub(super) file: File,
    /// The file's stem, without what a cache put before it.
    pub(super) stem: String,
    pub(super) publisher: Option<String>,
    pub(super) repository: Option<String>,
    /// Files that belong together share this: a folder, or a repository.
    pub(super) neighbours: PathBuf,
}

/// The models below `root`.
pub(super) fn find(root: &Path, source: Source, scan: &mut Scan<'_>) -> Vec<DiskModel> {
    let deepest = match source {
        Source::LlamaCpp | Source::Gpt4All => 1,
        Source::Own | Source::LmStudio | Source::Ollama | Source::HuggingFace | Source::Jan => walk::DEEPEST,
    };
    let files = walk::files(root, deepest, scan);
    models(files.into_iter().map(place).collect(), source, scan)
}

fn place(file: File) -> Placed {
    let folders: Vec<&OsStr> = file.below.parent().map(|parent| parent.iter().collect()).unwrap_or_default();
    let name = |from_end: usize| {
        let place = folders.len().checked_sub(from_end)?;
        Some(folders.get(place)?.to_string_lossy().into_owned())
    };
    let (mut repository, mut publisher) = (name(1), name(2));
    let mut neighbours = file.path.parent().map(Path::to_owned).unwrap_or_default();
    let mut stem = file.stem();
    // llama.cpp's old cache writes `<organisation>_<repository>_<file>` into one folder.
    let mark = "-gguf_";
    if folders.is_empty()
        && let Some(at) = stem.to_ascii_lowercase().find(mark)
    {
        let (owner, rest) = (stem[..at].to_owned(), stem[at + mark.len()..].to_owned());
        neighbours.push(&owner);
        if let Some((organisation, name)) = owner.split_once('_') {
            (publisher, repository) = (Some(organisation.to_owned()), Some(name.to_owned()));
        }
        stem = rest;
    }
    Placed { stem, publisher, repository, neighbours, file }
}

/// The models among these files.
pub(super) fn models(files: Vec<Placed>, source: Source, scan: &mut Scan<'_>) -> Vec<DiskModel> {
    let mut neighbourhoods: BTreeMap<PathBuf, Vec<Placed>> = BTreeMap::new();
    for placed in files {
        neighbourhoods.entry(placed.neighbours.clone()).or_default().push(placed);
    }
    neighbourhoods.into_values().flat_map(|files| neighbourhood(files, source, scan)).collect()
}

fn neighbourhood(files: Vec<Placed>, source: Source, scan: &mut Scan<'_>) -> Vec<DiskModel> {
    let mut projectors = Vec::new();
    let mut models: Vec<(DiskModel, String)> = Vec::new();
    for placed in files {
        let shard = names::shard(&placed.stem);
        if names::is_draft(&placed.stem) || shard.as_ref().is_some_and(|shard| shard.number > 1) {
            continue;
        }
        let File { path, size, modified, .. } = &placed.file;
        let Some(header) = scan.header(path, *size, *modified) else {
            continue;
        };
        if header.is_projector() {
            projectors.push(placed);
            continue;
        }
        if !offers(&header, &placed, scan) {
            continue;
        }
        let Some(size) = size_of_all(&placed, &header, scan) else {
            continue;
        };
        let name = public_name(&placed, &header);
        let model = DiskModel {
            id: name,
            aliases: Vec::new(),
            path: placed.file.path,
            projector: None,
            source,
            publisher: placed.publisher.as_deref().map(names::public),
            size,
            modified: placed.file.modified,
            header,
            template: None,
        };
        models.push((model, placed.stem));
    }
    attach(&projectors, &mut models);
    models.into_iter().map(|(model, _)| model).collect()
}

/// Whether the file is a model that can be asked something. Helpers of other models are no news.
fn offers(header: &Header, placed: &Placed, scan: &mut Scan<'_>) -> bool {
    if names::is_projector(&placed.stem) || header.is_adapter() || header.is_draft() {
        return false;
    }
    if header.kind.as_deref() == Some("imatrix") || header.split.is_some_and(|(number, _)| number > 0) {
        return false;
    }
    match why_not(header) {
        Some(reason) => {
            scan.refuse(&placed.file.path, reason);
            false
        }
        None => true,
    }
}

/// Why a whole model cannot be asked anything.
pub(super) fn why_not(header: &Header) -> Option<String> {
    if header.tensor_count == 0 && header.split.is_none() {
        return Some("holds a vocabulary and no weights".to_owned());
    }
    if !header.is_chat() && !header.is_embedding() && !header.is_rerank() {
        return Some(format!("is no language model (architecture `{}`)", header.architecture));
    }
    None
}

/// The size of the model in all its parts.
fn size_of_all(placed: &Placed, header: &Header, scan: &mut Scan<'_>) -> Option<u64> {
    let path = &placed.file.path;
    let stem = placed.file.stem();
    let Some(shard) = names::shard(&stem) else {
        if let Some((_, count)) = header.split {
            scan.refuse(path, format!("is the first of {count} parts, but is not named so that they can be found"));
            return None;
        }
        return Some(placed.file.size);
    };
    let ending = path.extension().unwrap_or_default().to_string_lossy().into_owned();
    let mut size = placed.file.size;
    for number in 2..=shard.count {
        let part = format!("{}-{number:05}-of-{:05}.{ending}", shard.base, shard.count);
        match walk::metadata(&path.with_file_name(part), scan) {
            Some(metadata) if metadata.is_file() => size = size.saturating_add(metadata.len()),
            _ => {
                scan.refuse(path, format!("lacks part {number} of {}", shard.count));
                return None;
            }
        }
    }
    Some(size)
}

/// The file's own name, or its repository's where the file's says nothing.
fn public_name(placed: &Placed, header: &Header) -> String {
    let stem = names::shard(&placed.stem).map_or(placed.stem.as_str(), |shard| shard.base);
    match &placed.repository {
        Some(repository) if names::is_generic(stem) => {
            let repository = names::repository(repository);
            match &header.quantisation {
                Some(quantisation) if !repository.to_ascii_uppercase().contains(quantisation.as_str()) => {
                    names::public(&format!("{repository}-{quantisation}"))
                }
                _ => names::public(repository),
            }
        }
        _ => names::public(stem),
    }
}

/// Gives each model the projector that belongs to it.
///
/// A wrong one makes the runtime refuse the model, so in a folder of many models only the name counts.
fn attach(projectors: &[Placed], models: &mut [(DiskModel, String)]) {
    let shape = |header: &Header| (header.architecture.clone(), header.block_count, header.embedding_length);
    let are_one = models.windows(2).all(|pair| shape(&pair[0].0.header) == shape(&pair[1].0.header));
    for (model, stem) in models.iter_mut().filter(|(model, _)| model.header.is_chat()) {
        let named = projectors.iter().filter(|projector| names::is_named_after(&projector.stem, stem));
        let only = projectors.iter().filter(|projector| {
            // A repository holds one model in several sizes, so there a name of its own does no harm.
            are_one && (projector.repository.is_some() || names::is_generic(&projector.stem))
        });
        let projector = named.min_by_key(|projector| rank(projector)).or(only.min_by_key(|projector| rank(projector)));
        model.projector = projector.map(|projector| projector.file.path.clone());
    }
}

/// Which of several projectors to take: 16 bits are enough, and what every machine can do comes first.
fn rank(projector: &Placed) -> (u8, PathBuf) {
    let stem = projector.stem.to_ascii_lowercase();
    let has = |words: [&str; 2]| words.into_iter().any(|word| stem.contains(word));
    let rank = if stem.contains("bf16") {
        1
    } else if has(["f16", "fp16"]) {
        0
    } else if has(["f32", "fp32"]) {
        3
    } else {
        2
    };
    (rank, projector.file.path.clone())
}
