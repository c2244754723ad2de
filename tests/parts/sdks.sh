#!/usr/bin/env bash
# Installs the clients that are Python, into one venv for the tests: the SDKs of OpenAI, Anthropic, Ollama and Google,
# LangChain over the first three, and the `llm` command.
. "$(dirname "$0")/../../src-tauri/engine/common.sh"

packages=(openai==3.54.0 anthropic==2.12.0 ollama==0.6.3 google-genai==3.4.0
    langchain-core==1.7.2 langchain-openai==1.7.3 langchain-anthropic==1.7.7 langchain-ollama==1.1.0 llm==0.36)
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
