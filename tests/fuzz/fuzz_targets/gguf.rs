//! A GGUF file's header, and what follows from it. No signs.
#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use pointsman_gateway::disk::gguf;

fuzz_target!(|input: &[u8]| {
    let Ok(header) = gguf::read(Cursor::new(input), input.len() as u64) else { return };
    let _ = (header.is_chat(), header.is_embedding(), header.is_rerank());
    let _ = (header.is_projector(), header.is_adapter(), header.is_draft());
    let _ = header.kv_bytes_per_token();
    for context in [0, 2048, u32::MAX] {
        let _ = (header.kv_bytes(context), header.memory_estimate(context));
    }
});
