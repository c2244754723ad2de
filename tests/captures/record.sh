#!/usr/bin/env bash
# Records what the vendors' own SDKs send, into this folder: record.sh [PROVIDER...]
#
# Brings the SDKs of requirements.txt into a venv in the cache, then runs record.py. Nothing is sent beyond this machine but
# for pip's downloads. The same SDKs give the same bytes; `git diff` shows what a newer SDK does differently. For newer ones:
#   uv pip compile --only-binary :all: --no-binary ibm-cos-sdk --no-binary ibm-cos-sdk-core \
#       --no-binary ibm-cos-sdk-s3transfer -p 3.11 requirements.in -o requirements.txt
. "$(dirname "$0")/../../src-tauri/engine/common.sh"

part=captures
out=$cache/captures
# IBM's storage SDK is on PyPI as source only; it is plain Python.
sources=(ibm-cos-sdk ibm-cos-sdk-core ibm-cos-sdk-s3transfer)
older=anthropic==1.17.0
recipe="$(cat "$here/requirements.txt") $older"

(
    lock captures
    made "$out" "$recipe" && exit
    say "installing $(grep -c == "$here/requirements.txt") packages into $out (0.5 GB)"
    # Everything is pinned: nothing to resolve, and pip's resolver would take an hour over it.
    venv "$out" setuptools==80.9.0 wheel==0.45.1
    "$out/bin/pip" install -q --no-deps --only-binary :all: --no-build-isolation \
        "${sources[@]/#/--no-binary=}" -r "$here/requirements.txt"
    # The last of Anthropic's SDKs that sends the API's version of 2023; what it needs is there.
    "$out/bin/pip" install -q --no-deps --only-binary :all: --target "$out/older" "$older"
    seal "$out" "$recipe"
)
say "asking every SDK"
"$out/bin/python" -B -W ignore "$here/record.py" "$@"
PYTHONPATH=$out/older "$out/bin/python" -B -W ignore "$here/record.py" --older "$@"
