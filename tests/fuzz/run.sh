#!/usr/bin/env bash
# Fuzzes everything that reads a hostile model file, with libFuzzer under address and undefined behaviour sanitizers.
#
#   tests/fuzz/run.sh [SECONDS] [TARGET ...]    each target for SECONDS (default 30); 0 replays the corpora only
#
# Needs clang 14 or newer with libFuzzer. New inputs are kept in build/fuzz; `MERGE=1` adds those that reach new
# code to the corpora in the tree.
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:-30}
shift || true
targets=("$@")
[ "${#targets[@]}" -gt 0 ] || targets=(safetensors index config tokenizer encode gguf layout quote trace frames)

clang=
for name in clang++-19 clang++-18 clang++-17 clang++-16 clang++-15 clang++-14 clang++; do
  command -v "$name" >/dev/null && { clang=$name; break; }
done
[ -n "$clang" ] || { echo "There is no clang on this machine; install clang (on Debian: apt-get install clang)." >&2; exit 1; }

out=build/fuzz
mkdir -p "$out"
sources=(engine/base/json.cpp engine/base/utf8.cpp engine/base/log.cpp
  engine/tokenizer/*.cpp engine/sampling/*.cpp engine/model/config.cpp engine/model/gguf_*.cpp engine/model/host_matrix.cpp
  engine/model/input_file.cpp engine/model/safetensors_checkpoint.cpp engine/model/tensor_file.cpp engine/trace/trace_*.cpp engine/trace/selection_trace.cpp
  app/document/page_frames.cpp app/document/part_codec.cpp app/document/text_clean.cpp)
flags=(-std=c++20 -O1 -g1 -I. -fno-omit-frame-pointer -fno-sanitize-recover=undefined)
launcher=()
command -v ccache >/dev/null && launcher=(ccache)
objects=()
for source in "${sources[@]}"; do
  object=$out/$(echo "${source%.cpp}" | tr / _).o
  objects+=("$object")
  [ "$object" -nt "$source" ] && [ "${REBUILD:-0}" = 0 ] && continue
  "${launcher[@]}" "$clang" "${flags[@]}" -fsanitize=fuzzer-no-link,address,undefined -c "$source" -o "$object"
done

for target in "${targets[@]}"; do
  "$clang" "${flags[@]}" -fsanitize=fuzzer,address,undefined "tests/fuzz/${target}_fuzz.cpp" "${objects[@]}" \
    -lpcre2-8 -lzstd -lz -lxxhash -lutf8proc -lspdlog -lfmt -o "$out/$target"
  mkdir -p "$out/found/$target"
  corpus=tests/fuzz/corpus/$target
  if [ "$seconds" = 0 ]; then
    echo "== $target: replay"
    "$out/$target" -runs=0 "$corpus"
    continue
  fi
  echo "== $target: $seconds s"
  "$out/$target" -max_total_time="$seconds" -timeout=5 -rss_limit_mb=1024 -max_len=65536 -print_final_stats=1 \
    -artifact_prefix="$out/$target-" "$out/found/$target" "$corpus" 2>&1 | grep -E "ERROR|SUMMARY|stat::number_of|stat::average|cov:.*DONE|DONE|artifact" || true
  if ls "$out/$target"-{crash,timeout,oom,leak}-* >/dev/null 2>&1; then
    echo "tests/fuzz/run.sh: $target found something; see $out/$target-*." >&2
    exit 1
  fi
  [ "${MERGE:-0}" = 0 ] || "$out/$target" -merge=1 -max_len=4096 "$corpus" "$out/found/$target" 2>/dev/null
done
