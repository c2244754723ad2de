//! The built-in runtime's laws, with a scripted server in llama-server's place, and once with a real one.

#[cfg(unix)]
mod bench;
#[cfg(unix)]
mod crashes;
#[cfg(unix)]
mod leases;
#[cfg(unix)]
mod offers;
#[cfg(unix)]
mod real;

use std::path::PathBuf;

use crate::disk::gguf::fixture::Gguf;
use crate::disk::{DiskModel, Source, gguf};

/// A model of this id, with the header that the file would have.
pub(in crate::builtin) fn model(id: &str, gguf: &Gguf) -> DiskModel {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("model.gguf");
    std::fs::write(&file, gguf.bytes()).unwrap();
    let header = gguf::read_header(&file).unwrap();
    DiskModel {
        id: id.to_owned(),
        aliases: Vec::new(),
        path: PathBuf::from(format!("/models/{id}.gguf")),
        projector: None,
        source: Source::Own,
        publisher: None,
        size: header.file_size,
        modified: std::time::UNIX_EPOCH,
        header,
        template: None,
    }
}
