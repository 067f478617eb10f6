#!/usr/bin/env bash
# Brings the translations up to date with the sources: tools/translations.sh [LANGUAGE...]
#   resources/translations/longleaf_LANGUAGE.ts   to be filled in with Qt Linguist
#   resources/translations/longleaf_LANGUAGE.qm   what the program loads beside its other resources
# Needs lupdate and lrelease (Debian: qt6-l10n-tools, qt6-tools-dev-tools), which a build does not.
# English stands in the sources; longleaf_en.ts holds the plural forms of "%n file(s)" alone.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
tools=$(qtpaths6 --query QT_HOST_BINS 2>/dev/null || echo /usr/lib/qt6/bin)
folder=resources/translations
[ $# -gt 0 ] || set -- $(ls "$folder" | sed -n 's/^longleaf_\(.*\)\.ts$/\1/p')
# "%n file(s)": one file, several files.
fill_plurals() {
  awk '/<source>/ { text = $0; sub(/.*<source>/, "", text); sub(/<\/source>.*/, "", text); n = 0 }
       /<translation type="unfinished">/ { sub(/ type="unfinished"/, "") }
       /<numerusform><\/numerusform>/ { one = text; gsub(/\(s\)/, n == 0 ? "" : "s", one); ++n; sub(/<numerusform>/, "<numerusform>" one) }
       { print }' "$1" > "$1.new"
  mv "$1.new" "$1"
}
for language in "$@"; do
  only=()
  [ "$language" = en ] && only=(-pluralonly)
  "$tools/lupdate" -silent -I . -locations none -no-obsolete "${only[@]}" -source-language en -target-language "$language" ui -ts "$folder/longleaf_$language.ts"
  [ "$language" != en ] || fill_plurals "$folder/longleaf_en.ts"
  "$tools/lrelease" -silent "$folder/longleaf_$language.ts" -qm "$folder/longleaf_$language.qm"
  echo "$folder/longleaf_$language.ts: $(grep -c '<message' "$folder/longleaf_$language.ts") texts"
done
