#!/usr/bin/env bash
# Installs the clients' own Python SDKs, of OpenAI, Anthropic, Ollama and Google, into one venv for the tests.
. "$(dirname "$0")/../../src-tauri/engine/common.sh"

packages=(openai==3.54.0 anthropic==2.12.0 ollama==0.6.3 google-genai==3.4.0)
out=$cache/sdks

lock sdks
if made "$out" "${packages[*]}"; then
    say "${packages[*]} are in $out"
    exit
fi
say "installing ${packages[*]}"
venv "$out" "${packages[@]}"
seal "$out" "${packages[*]}"
say "${packages[*]} are in $out"
