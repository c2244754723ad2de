#!/usr/bin/env bash
# Makes tiny.gguf: a model of random weights with a real tokenizer and 131072 tokens of context, fast at long prompts.
. "$(dirname "$0")/../../src-tauri/engine/common.sh"

out=$cache/parts/tiny.gguf

lock tiny
if [ -f "$out" ] && cmp -s "$here/tiny_gguf.py" "$out.py"; then
    say "$out is there"
    exit
fi
"$here/../../src-tauri/engine/model.sh"
say "making tiny.gguf"
tools gguf==0.19.0 numpy==2.4.6
mkdir -p "$cache/parts"
python "$here/tiny_gguf.py" "$cache/models/SmolLM2-135M-Instruct.Q4_1.gguf" "$out.new" 131072
mv "$out.new" "$out"
cp "$here/tiny_gguf.py" "$out.py"
say "$out is there"
