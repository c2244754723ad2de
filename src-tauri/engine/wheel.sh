#!/usr/bin/env bash
# Installs llama.cpp's server from a prebuilt wheel (34 MB, no compiler): an engine for `make run` and for the tests.
. "$(dirname "$0")/common.sh"

package=xllamacpp==2026.10.11549
out=$cache/engine

lock engine
if made "$out/venv" "$package" && cmp -s "$here/llama-server.py" "$out/llama-server.py"; then
    say "llama-server ($package) is in $out/bin"
    exit
fi
if ! made "$out/venv" "$package"; then
    say "installing $package"
    venv "$out/venv" "$package"
    seal "$out/venv" "$package"
fi
mkdir -p "$out/bin"
{ echo "#!$out/venv/bin/python"; cat "$here/llama-server.py"; } >"$out/bin/llama-server.new"
chmod +x "$out/bin/llama-server.new"
mv "$out/bin/llama-server.new" "$out/bin/llama-server"
"$out/bin/llama-server" --version >/dev/null
cp "$here/llama-server.py" "$out/llama-server.py"
say "llama-server ($package) is in $out/bin"
