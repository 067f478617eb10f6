#!/usr/bin/env bash
# Builds some of the tests under sanitizers and runs them.
#
#   tests/sanitize.sh                  everything that reads files of others, under the address and undefined behaviour
#                                      sanitizers (preset asan)
#   tests/sanitize.sh threads          everything that runs on several threads, under the thread sanitizer (preset tsan)
#   tests/sanitize.sh asan|tsan NAME…  these tests
#
# A report of a sanitizer fails the test that it comes from.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

preset=asan
names=(tensor_file json tokenizer sampler gguf hostile_checkpoint hostile_gguf damaged_numbers prefix_store trace_file
  quote_constraint config chat_encoder thinking_splitter prompt_layout)
names=("${names[@]/#/tests_engine_}")
case "${1:-}" in
  threads)
    preset=tsan
    names=(tests_engine_local_engine tests_engine_prefix_store tests_engine_trace_writer tests_engine_tokenizer tests_kernels_threads)
    ;;
  asan | tsan)
    preset=$1
    shift
    names=("$@")
    ;;
esac

cmake --preset "$preset" -DWITH_UI=OFF > /dev/null
cmake --build "build/$preset" --target "${names[@]}" -j "$(nproc)"
# g++ 12 places 64 byte vectors at wrong addresses when the use of dead stack frames is looked for (GCC bug 110027).
export ASAN_OPTIONS=strict_string_checks=1:detect_stack_use_after_return=0 UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS="halt_on_error=1 suppressions=$PWD/tests/tsan.supp"
cd "build/$preset"
exec ctest --output-on-failure --no-tests=error -j "$(nproc)" -R "^($(IFS='|'; echo "${names[*]}"))\$"
