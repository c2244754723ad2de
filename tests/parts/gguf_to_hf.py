"""Turns a GGUF of the llama kind into a folder of safetensors, tokenizer and config, as vLLM wants a model.

    gguf_to_hf.py SOURCE.gguf OUTPUT_FOLDER
"""

import json
import os
import sys

import gguf
import numpy
import torch
from safetensors.torch import save_file
from transformers import AutoTokenizer

LAYER = {
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
OUTSIDE = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
    "output.weight": "lm_head.weight",
}


def renamed(name):
    if name in OUTSIDE:
        return OUTSIDE[name]
    _, layer, part, _ = name.split(".")
    return f"model.layers.{layer}.{LAYER[part]}.weight"


def unpermuted(weight, heads):
    """llama.cpp keeps the two halves of a rotary pair side by side; the original has one half after the other."""
    rows = weight.shape[0]
    return weight.reshape(heads, rows // heads // 2, 2, -1).swapaxes(1, 2).reshape(rows, -1)


def main():
    source, output = sys.argv[1], sys.argv[2]
    os.makedirs(output, exist_ok=True)
    reader = gguf.GGUFReader(source)

    def field(key):
        return reader.fields[key].contents()

    heads, heads_kv = field("llama.attention.head_count"), field("llama.attention.head_count_kv")
    tensors = {}
    for tensor in reader.tensors:
        weight = gguf.dequantize(tensor.data, tensor.tensor_type).astype(numpy.float32)
        if ".attn_q." in tensor.name:
            weight = unpermuted(weight, heads)
        elif ".attn_k." in tensor.name:
            weight = unpermuted(weight, heads_kv)
        tensors[renamed(tensor.name)] = torch.from_numpy(numpy.ascontiguousarray(weight)).to(torch.bfloat16)
    save_file(tensors, f"{output}/model.safetensors", metadata={"format": "pt"})

    AutoTokenizer.from_pretrained(os.path.dirname(source), gguf_file=os.path.basename(source)).save_pretrained(output)
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_act": "silu",
        "hidden_size": field("llama.embedding_length"),
        "intermediate_size": field("llama.feed_forward_length"),
        "num_hidden_layers": field("llama.block_count"),
        "num_attention_heads": heads,
        "num_key_value_heads": heads_kv,
        "rms_norm_eps": float(field("llama.attention.layer_norm_rms_epsilon")),
        "rope_theta": float(field("llama.rope.freq_base")),
        "max_position_embeddings": field("llama.context_length"),
        "vocab_size": tensors["model.embed_tokens.weight"].shape[0],
        "tie_word_embeddings": "lm_head.weight" not in tensors,
        "bos_token_id": field("tokenizer.ggml.bos_token_id"),
        "eos_token_id": field("tokenizer.ggml.eos_token_id"),
        "torch_dtype": "bfloat16",
    }
    with open(f"{output}/config.json", "w", encoding="utf-8") as file:
        json.dump(config, file, indent=1)


if __name__ == "__main__":
    main()
