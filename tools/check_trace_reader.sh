#!/usr/bin/env bash
# Holds tools/trace_reader.py against the program's own reader, over a saved run.
#
#   tools/check_trace_reader.sh PROJECT RUN     PYTHON and LONGLEAF_CLI choose the programs
#
# Needs python3 with numpy and zstandard.
set -euo pipefail
cd "$(dirname "$0")/.."
cli=${LONGLEAF_CLI:-build/dev/app/cli/longleaf-cli}
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
"$cli" trace "$1" "$2" --file "$folder/run.trace" --json > "$folder/run.json"
"${PYTHON:-python3}" - "$folder" <<'PYTHON'
import json, sys
sys.path.insert(0, "tools")
import trace_reader
told, read = json.load(open(sys.argv[1] + "/run.json")), trace_reader.read(sys.argv[1] + "/run.trace")
layers = read["layers"]
pairs = [int(sum(row.sum() for row in read["prefill"][layer])) if layer in read["prefill"] else None for layer in range(layers)]
blocks = [int(sum(token[layer].sum() for token in read["decode"])) for layer in range(layers)]
mine = dict(layers=layers, top_k=read["top_k"], prompt_tokens=read["prompt_tokens"], generated_tokens=read["generated"],
            selected_pairs=pairs, selected_blocks=blocks)
wrong = {name: (value, told[name]) for name, value in mine.items() if told[name] != value}
print("the same:" if not wrong else "differs:", mine if not wrong else wrong)
sys.exit(bool(wrong))
PYTHON
