#!/usr/bin/env bash
# Draws the pictures of the window with the sample project, without a display:
#   tools/pictures.sh [FOLDER]     default docs/pictures; the program is build/release/ui/longleaf,
#                                  or what LONGLEAF names
# Look at all of them after every change of a view; README.md shows read.png and inspect-dark.png.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
program=${LONGLEAF:-build/release/ui/longleaf}
out=${1:-docs/pictures}
mkdir -p "$out"
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
export XDG_DATA_HOME=$home/data XDG_CONFIG_HOME=$home/config XDG_CACHE_HOME=$home/cache QT_QPA_PLATFORM=offscreen

draw() {  # NAME SCALE ARGUMENTS...
  local name=$1 scale=$2
  shift 2
  QT_SCALE_FACTOR=$scale "$program" --screenshot "$out/$name.png" "$@"
  echo "$out/$name.png"
}

draw empty 1 --light
draw read 1 --light --sample --question sample
draw read-dark 1 --dark --sample --question sample
draw inspect-dark 1 --dark --sample --layout inspect
if [ "${ALL:-}" ]; then  # the same at twice the size, for screens with small pixels
  draw empty-2x 2 --dark
  draw read-2x 2 --light --sample
  draw inspect-2x 2 --light --sample --layout inspect
fi
