#!/usr/bin/env bash
# Installs the agents that people run in a terminal (2 GB, two minutes): Claude Code, Codex, Gemini CLI, opencode, Continue
# and aider. Only `make test-agents` asks for them.
. "$(dirname "$0")/../../src-tauri/engine/common.sh"

# Each in a folder of its own, since they want different versions of the same things.
agents=(claude=@anthropic-ai/claude-code@2.1.330 codex=@openai/codex@0.169.0 gemini=@google/gemini-cli@0.61.0
    opencode=opencode-ai@1.18.33 cn=@continuedev/cli@1.5.47)
aider=aider-chat==0.86.2
out=$cache/agents

"$here/node.sh"
lock agents
for agent in "${agents[@]}"; do
    folder=$out/${agent%%=*} package=${agent#*=}
    made "$folder" "$package" && continue
    say "installing $package"
    rm -rf "$folder"
    npm "$folder" "$package"
    seal "$folder" "$package"
done
if ! made "$out/aider" "$aider"; then
    say "installing $aider"
    mkdir -p "$out"
    venv "$out/aider" "$aider"
    seal "$out/aider" "$aider"
fi
say "${agents[*]#*=} $aider are in $out"
