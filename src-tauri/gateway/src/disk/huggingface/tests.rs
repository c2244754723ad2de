use crate::disk::Source;
use crate::disk::gguf::fixture::Gguf;
use crate::disk::tests::Disk;

#[cfg(unix)]
#[test]
fn reads_a_hugging_face_cache() {
    let disk = Disk::new();
    let repository = "hub/models--unsloth--Qwen3-8B-GGUF";
    disk.chat(&format!("{repository}/blobs/aaa"))
        .write(&format!("{repository}/blobs/bbb"), Gguf::chat().text("general.name", "old").bytes())
        .write(&format!("{repository}/blobs/ccc"), Gguf::projector().bytes())
        .write(&format!("{repository}/blobs/ddd.downloadInProgress"), "half")
        .write(&format!("{repository}/refs/main"), "new\n")
        .link(&format!("{repository}/snapshots/new/Qwen3-8B-Q4_K_M.gguf"), "../../blobs/aaa")
        .link(&format!("{repository}/snapshots/new/mmproj-F16.gguf"), "../../blobs/ccc")
        .link(&format!("{repository}/snapshots/new/BF16/Qwen3-8B-BF16.gguf"), "../../../blobs/aaa")
        .link(&format!("{repository}/snapshots/old/Qwen3-8B-Q4_K_M.gguf"), "../../blobs/bbb")
        .link(&format!("{repository}/snapshots/old/Qwen3-8B-Q8_0.gguf"), "../../blobs/bbb")
        .link(&format!("{repository}/snapshots/old/Qwen3-8B-Q2_K.gguf"), "../../blobs/ddd")
        .chat("hub/datasets--x--y/snapshots/z/not-a-model.gguf")
        .write("hub/models--Qwen--Qwen3-8B/snapshots/z/model.safetensors", "weights");
    let found = disk.find(&[(Source::HuggingFace, "hub")]);
    assert_eq!(found.ids(), ["Qwen3-8B-Q4_K_M", "Qwen3-8B-Q8_0"], "main's file wins over the older one");
    assert_eq!(found.refusals, []);
    let [main, old] = &found.models[..] else { panic!("two models") };
    assert!(main.path.ends_with("snapshots/new/Qwen3-8B-Q4_K_M.gguf"));
    assert_eq!(main.aliases, ["Qwen3-8B-BF16"], "the same blob is not listed twice");
    assert_eq!(main.publisher.as_deref(), Some("unsloth"));
    assert!(old.path.ends_with("snapshots/old/Qwen3-8B-Q8_0.gguf"), "what only the older one has is kept");
    assert_eq!(main.projector, Some(disk.path(&format!("{repository}/snapshots/new/mmproj-F16.gguf"))));
}

#[test]
fn a_hugging_face_cache_without_links_is_read_too() {
    let disk = Disk::new();
    disk.chat("hub/models--org--model-GGUF/snapshots/one/ggml-model-q4_k_m.gguf")
        .chat("hub/models--gpt2/snapshots/x/g.gguf");
    disk.check(Source::HuggingFace, "hub", &["g", "model-Q4_K_M"], &[]);
}
