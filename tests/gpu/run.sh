#!/bin/sh
# Builds the GPU kernels and their checks, checks, measures, prints one table. For a machine with an NVIDIA GPU (sm_80 or
# newer) and nvcc 12 or newer; Qt is not needed.
#   tests/gpu/run.sh [build folder]        everything
#   LONGLEAF_WITH_ENGINE=ON tests/gpu/run.sh   whole models too (needs the engine's libraries)
#   LONGLEAF_QUICK=1 tests/gpu/run.sh      checks only
# Ends with 1 when a check failed.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
build=${1:-$root/build/gpu}
with_engine=${LONGLEAF_WITH_ENGINE:-OFF}
failed=0

section() { printf '\n== %s\n' "$1"; }
part() { "$@" || failed=1; }

section "The machine"
nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.max.sm --format=csv,noheader || { echo "There is no NVIDIA driver here."; exit 1; }
capability=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader | head -n 1 | tr -d .)
[ "$capability" = 90 ] && capability=90a

section "Building for sm_$capability"
cmake -S "$root/tests/gpu" -B "$build" -DCMAKE_BUILD_TYPE=Release -DCMAKE_CUDA_ARCHITECTURES="$capability-real" \
  -DWITH_ENGINE="$with_engine" > "$build.log" 2>&1 && cmake --build "$build" -j "$(nproc)" >> "$build.log" 2>&1 ||
  { tail -n 30 "$build.log"; exit 1; }

section "Every operation against loops on the host"
"$build/check_kernels" > "$build/operations.txt" || failed=1
grep -v '^ok' "$build/operations.txt"
if command -v compute-sanitizer > /dev/null; then
  section "Memory and race checks on the small cases"
  for tool in memcheck racecheck; do
    part compute-sanitizer --tool "$tool" --error-exitcode 1 --print-limit 20 "$build/check_kernels" --small > "$build/$tool.txt" 2>&1
    printf '%s: ' "$tool"; grep -E 'SUMMARY' "$build/$tool.txt" | tail -n 1
  done
fi
if [ "$with_engine" = ON ]; then
  section "Recorded tiny models, end to end"
  part "$build/check_models" "$root/tests/golden"
  section "The bundled finder"
  part "$build/check_answers" "$root" 32768
fi
if [ -z "${LONGLEAF_QUICK:-}" ]; then
  section "Speed of the backend"
  part "$build/bench_backend"
  if [ -x "$build/bench_gpu" ]; then
    section "Speed of the kernels for Hopper"
    part "$build/bench_gpu" check
    part "$build/bench_gpu" time
    part "$build/bench_gpu" table
  fi
fi
section "$([ $failed = 0 ] && echo 'Everything passed' || echo 'SOMETHING FAILED')"
exit $failed
