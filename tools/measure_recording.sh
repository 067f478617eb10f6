#!/usr/bin/env bash
# What recording the selections costs: processor time of the same question with the trace off, at the default
# level and exact, taken in turns so that other load falls on all three alike.
#
#   tools/measure_recording.sh PROJECT QUESTION [ROUNDS]     LONGLEAF_CLI chooses the program
set -euo pipefail
cd "$(dirname "$0")/.."
cli=${LONGLEAF_CLI:-build/dev/app/cli/longleaf-cli}
rounds=${3:-5}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
TIMEFORMAT='%U %S'
for ((round = 0; round < rounds; ++round)); do
  for level in off blocks exact; do
    # A fresh cache: nothing of the prompt may be there already. A copy: the runs go with it.
    rm -rf "$folder/cache" "$folder"/p.longleaf*
    cp "$1" "$folder/p.longleaf"
    { time XDG_CACHE_HOME="$folder/cache" "$cli" ask "$folder/p.longleaf" "$2" --trace "$level" > /dev/null 2>&1; } 2>> "$folder/$level"
  done
done
for level in off blocks exact; do
  awk '{print $1 + $2}' "$folder/$level" | sort -n | awk -v level="$level" '{t[NR] = $1} END {print level, "median", t[int((NR + 1) / 2)], "s, least", t[1], "s processor time"}'
done
