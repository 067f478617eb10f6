#!/usr/bin/env bash
# Draws the pictures of the window with the sample project, without a display:
#   tools/pictures.sh [FOLDER]     default docs/pictures; the program is build/release/ui/longleaf,
#                                  or what LONGLEAF names
# ALL=1 draws dialogs, twice the size, and (with draw_window of the same build) review, formulas,
# right-to-left and CJK text and a run in progress, light and dark.
# Look at all of them after every change of a view; README.md shows read.png and inspect-dark.png.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
program=${LONGLEAF:-build/release/ui/longleaf}
out=${1:-docs/pictures}
mkdir -p "$out"
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
mkdir -m 700 "$home/run"
export XDG_DATA_HOME=$home/data XDG_CONFIG_HOME=$home/config XDG_CACHE_HOME=$home/cache XDG_RUNTIME_DIR=$home/run QT_QPA_PLATFORM=offscreen

draw() {  # NAME SCALE ARGUMENTS...
  local name=$1 scale=$2
  shift 2
  QT_SCALE_FACTOR=$scale "$program" --screenshot "$out/$name.png" "$@" 2> >(grep -v propagateSizeHints >&2)
  echo "$out/$name.png"
}

draw empty 1 --light
draw read 1 --light --sample --question sample
draw read-dark 1 --dark --sample --question sample
draw inspect-dark 1 --dark --sample --layout inspect
if [ -z "${ALL:-}" ]; then exit; fi
draw empty-2x 2 --dark
draw read-2x 2 --light --sample
draw inspect-2x 2 --light --sample --layout inspect
draw inspect 1 --light --sample --layout inspect
for theme in light dark; do
  draw "settings-$theme" 1 "--$theme" --sample --command edit.settings
  draw "keys-$theme" 1 "--$theme" --sample --command edit.shortcuts
  draw "models-$theme" 1 "--$theme" --sample --command run.model
  draw "strip-$theme" 1 "--$theme" --sample --question sample --command view.strip
done
states=$(dirname "$(dirname "$program")")/tests/bench/draw_window
for theme in light dark contrast; do
  if [ -x "$states" ]; then "$states" "$out" "$theme"; fi
done
