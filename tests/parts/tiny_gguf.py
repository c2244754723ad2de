"""Writes a tiny GGUF: random weights, one layer, but a real model's tokenizer and chat template.

It talks gibberish, yet reads a prompt some fifty times faster than the smallest real model, so a test may send it the
long prompts of coding tools. Its replies end by themselves, also at temperature 0: the first dimension of the residual
stream is a constant that no layer writes, and that feeds nothing but the end-of-text logit.

    tiny_gguf.py SOURCE.gguf OUTPUT.gguf CONTEXT_LENGTH
"""

import sys

import gguf
import numpy

WIDTH, FEED_FORWARD, HEADS = 64, 128, 2
END_LOGIT = 7.5  # replies of some 3 to 120 tokens

CHANGED = {
    "general.name": "tiny-random",
    "llama.block_count": 1,
    "llama.embedding_length": WIDTH,
    "llama.feed_forward_length": FEED_FORWARD,
    "llama.attention.head_count": HEADS,
    "llama.attention.head_count_kv": 1,
    "llama.rope.dimension_count": WIDTH // HEADS,
}
# The writer puts the first of these itself; the others would contradict the changed width.
LEFT_OUT = ("general.architecture", "llama.attention.key_length", "llama.attention.value_length")

SHAPES = {
    "blk.0.attn_norm": (WIDTH,),
    "blk.0.ffn_norm": (WIDTH,),
    "blk.0.attn_q": (WIDTH, WIDTH),
    "blk.0.attn_k": (WIDTH // HEADS, WIDTH),
    "blk.0.attn_v": (WIDTH // HEADS, WIDTH),
    "blk.0.attn_output": (WIDTH, WIDTH),
    "blk.0.ffn_gate": (FEED_FORWARD, WIDTH),
    "blk.0.ffn_up": (FEED_FORWARD, WIDTH),
    "blk.0.ffn_down": (WIDTH, FEED_FORWARD),
}


def copy_metadata(reader, writer, context_length):
    changed = CHANGED | {"llama.context_length": context_length}
    for key, field in reader.fields.items():
        if key.startswith("GGUF.") or key in LEFT_OUT:
            continue
        kind = field.types[0]
        of = {"sub_type": field.types[-1]} if kind == gguf.GGUFValueType.ARRAY else {}
        writer.add_key_value(key, changed.get(key, field.contents()), kind, **of)


def add_weights(writer, vocabulary, end_of_text):
    random = numpy.random.default_rng(0)
    tables = {"token_embd": (vocabulary, WIDTH), "output": (vocabulary, WIDTH), "output_norm": (WIDTH,)}
    for name, shape in (tables | SHAPES).items():
        if "norm" in name:
            writer.add_tensor(f"{name}.weight", numpy.ones(shape, numpy.float32))
            continue
        weight = random.standard_normal(shape) * 0.3
        if name == "token_embd":
            weight[:, 0] = 1.0
        elif name == "output":
            weight[:, 0] = 0
            weight[end_of_text, :] = 0
            weight[end_of_text, 0] = END_LOGIT
        elif name.endswith(("attn_output", "ffn_down")):
            weight *= 0.07
            weight[0, :] = 0
        writer.add_tensor(f"{name}.weight", weight.astype(numpy.float16))


def main():
    source, output, context_length = sys.argv[1], sys.argv[2], int(sys.argv[3])
    reader = gguf.GGUFReader(source)
    writer = gguf.GGUFWriter(output, "llama")
    copy_metadata(reader, writer, context_length)
    vocabulary = len(reader.fields["tokenizer.ggml.tokens"].contents())
    add_weights(writer, vocabulary, int(reader.fields["tokenizer.ggml.eos_token_id"].contents()))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    main()
