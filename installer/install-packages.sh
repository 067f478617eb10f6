#!/usr/bin/env bash
# Installs the Debian or Ubuntu packages that Longleaf is built with. Safe to run again: it asks for
# nothing when all of them are there. Other systems: install the same libraries by hand.
set -euo pipefail

packages=(
  g++ cmake ninja-build ccache pkg-config
  qt6-base-dev qt6-base-dev-tools 'qt6-svg-dev|libqt6svg6-dev' libgl-dev
  libpoppler-cpp-dev libpoppler-private-dev libsqlite3-dev libspdlog-dev nlohmann-json3-dev libpcre2-dev libgit2-dev
  libseccomp-dev libzstd-dev zlib1g-dev libpng-dev libfreetype-dev libfontconfig-dev libicu-dev libxml2-dev libzip-dev libutf8proc-dev libxxhash-dev libmd4c-dev libcli11-dev libbenchmark-dev
  fonts-noto-core fonts-inter fonts-jetbrains-mono fonts-droid-fallback
  git universal-ctags tesseract-ocr
)

missing=()
for package in "${packages[@]}"; do
  found=no  # a package with two names (Debian|Ubuntu) is there when either is
  for name in ${package//|/ }; do
    dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null | grep -q '^installed$' && found=yes
  done
  [ "$found" = yes ] && continue
  missing+=("$package")
done
[ "${#missing[@]}" -eq 0 ] && exit 0

if ! command -v apt-get >/dev/null; then
  echo "This system has no apt-get. Install these packages' counterparts by hand: ${missing[*]}" >&2
  exit 1
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "These packages are missing and sudo is not there to install them: ${missing[*]}" >&2; exit 1; }
  as_root=(sudo)
fi
echo "Installing: ${missing[*]}"
"${as_root[@]}" apt-get update -qq
for i in "${!missing[@]}"; do
  for name in ${missing[$i]//|/ }; do
    if apt-cache show "$name" >/dev/null 2>&1; then missing[$i]=$name; break; fi
  done
done
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" ||
  { echo "The packages could not be installed: ${missing[*]}. Is this machine online, and are its package sources those of Debian 12 or Ubuntu 23.04 or newer?" >&2; exit 1; }
