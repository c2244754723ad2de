//! Ollama's store: `manifests/<host>/<namespace>/<model>/<tag>` names blobs, `blobs/sha256-<hex>` holds them.
//!
//! Read from the files, so it works with Ollama switched off. Newer versions write to `manifests-v2` beside it, and may
//! list one manifest for each engine instead of one model. Models in MLX's format are not GGUF and are left out.

#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::Deserialize;

use super::{DiskModel, Scan, Source, folders, places, walk};

const LAYER: &str = "application/vnd.ollama.image.";
const LIST: &str = "application/vnd.ollama.manifest.list.v2+json";

#[derive(Deserialize)]
struct Manifest {
    #[serde(default, rename = "mediaType")]
    media_type: String,
    #[serde(default)]
    layers: Vec<Layer>,
    /// One for each engine, whole or by digest.
    #[serde(default)]
    manifests: Vec<Manifest>,
    #[serde(default)]
    runner: String,
    #[serde(default)]
    digest: Option<String>,
}

#[derive(Deserialize)]
struct Layer {
    #[serde(rename = "mediaType")]
    media_type: String,
    digest: String,
}

/// The models in the store at `root`.
pub(super) fn find(root: &Path, scan: &mut Scan<'_>) -> Vec<DiskModel> {
    let mut left = walk::budget();
    let mut models = Vec::new();
    let mut named = HashSet::new();
    for folder in ["manifests-v2", "manifests"] {
        let mut paths = vec![root.join(folder)];
        for _ in ["host", "namespace", "model", "tag"] {
            paths = paths.iter().flat_map(|path| walk::entries(path, &mut left, scan).unwrap_or_default()).collect();
        }
        for path in paths {
            let Some(name) = short_name(&path) else { continue };
            // A link into nowhere in the newer folder leaves the older one in charge.
            let is_file = walk::metadata(&path, scan).is_some_and(|metadata| metadata.is_file());
            if is_file && named.insert(name.clone()) {
                match model(root, name, &path, scan) {
                    Ok(model) => models.extend(model),
                    Err(reason) => scan.refuse(&path, reason),
                }
            }
        }
    }
    models
}

/// What Ollama calls the model: `qwen3:8b` for `registry.ollama.ai/library/qwen3/8b`.
fn short_name(path: &Path) -> Option<String> {
    let mut parts: Vec<&str> = path.iter().rev().take(4).map(|part| part.to_str()).collect::<Option<_>>()?;
    parts.reverse();
    let [host, namespace, model, tag] = parts[..] else {
        return None;
    };
    let is_name = |part: &str| {
        let is_letter = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
        part.len() <= 128 && !part.starts_with('.') && part.chars().all(is_letter)
    };
    // A host may carry a port.
    if ![namespace, model, tag].into_iter().all(is_name) || !host.split(':').all(is_name) {
        return None;
    }
    Some(match (host, namespace) {
        ("registry.ollama.ai", "library") => format!("{model}:{tag}"),
        ("registry.ollama.ai", _) => format!("{namespace}/{model}:{tag}"),
        _ => format!("{host}/{namespace}/{model}:{tag}"),
    })
}

fn model(root: &Path, name: String, path: &Path, scan: &mut Scan<'_>) -> Result<Option<DiskModel>, String> {
    let manifest = manifest(root, path)?;
    let of_kind = |kind: &str| {
        let is_kind = |layer: &&Layer| layer.media_type.strip_prefix(LAYER) == Some(kind);
        manifest.layers.iter().filter(is_kind).map(|layer| layer.digest.as_str()).collect::<Vec<_>>()
    };
    let weights = match of_kind("model")[..] {
        [weights] => blob(root, weights)?,
        [] if !of_kind("tensor").is_empty() => return Err("is an MLX model: its weights are not GGUF".to_owned()),
        [] => return Err("has no weights on this disk".to_owned()),
        _ => return Err("has its weights in several files".to_owned()),
    };
    if !of_kind("adapter").is_empty() {
        return Err("needs an adapter, which only Ollama puts together".to_owned());
    }
    let metadata = std::fs::metadata(&weights).map_err(|error| format!("lacks its weights: {error}"))?;
    let modified = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
    let Some(header) = scan.header(&weights, metadata.len(), modified) else {
        return Ok(None);
    };
    if let Some(reason) = folders::why_not(&header) {
        return Err(reason);
    }
    let projector =
        of_kind("projector").first().and_then(|digest| blob(root, digest).ok()).filter(|path| path.is_file());
    let template = of_kind("template")
        .first()
        .and_then(|digest| blob(root, digest).ok())
        .and_then(|path| places::small_file(&path));
    Ok(Some(DiskModel {
        id: name,
        aliases: Vec::new(),
        path: weights,
        projector,
        source: Source::Ollama,
        publisher: None,
        size: metadata.len(),
        modified,
        header,
        template,
    }))
}

/// The manifest at `path`; of a list, the one for an engine that reads GGUF.
fn manifest(root: &Path, path: &Path) -> Result<Manifest, String> {
    let manifest = parse(path)?;
    if manifest.media_type != LIST {
        return Ok(manifest);
    }
    let for_gguf = manifest.manifests.into_iter().find(|manifest| !manifest.runner.eq_ignore_ascii_case("mlx"));
    match for_gguf.ok_or("is an MLX model: its weights are not GGUF")? {
        Manifest { digest: Some(digest), layers, .. } if layers.is_empty() => parse(&blob(root, &digest)?),
        manifest => Ok(manifest),
    }
}

fn parse(path: &Path) -> Result<Manifest, String> {
    let text = places::small_file(path).ok_or("cannot be read as text")?;
    serde_json::from_str(&text).map_err(|error| format!("is no manifest: {error}"))
}

/// The file of a digest. Anything but a digest could lead out of the store.
fn blob(root: &Path, digest: &str) -> Result<PathBuf, String> {
    match digest.strip_prefix("sha256").and_then(|rest| rest.strip_prefix([':', '-'])) {
        Some(hex) if hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            Ok(root.join("blobs").join(format!("sha256-{hex}")))
        }
        _ => Err("names a blob that is no SHA-256 digest".to_owned()),
    }
}
