#!/usr/bin/env bash
# The arrows between folders: prints every include that points the wrong way, and fails on any.
# Programs (cmd_*.c, main.c) may join folders; libraries may not.
set -u
cd "$(dirname "$0")/.." || exit 1

declare -A may=(
  [nn]=''
  [instrument]=''
  [config]='instrument nn/labels.h'
  [agent]='config nn instrument'
  [sim]='instrument config'
)
bad=0
for folder in "${!may[@]}"; do
  for file in $(find "$folder" -name '*.[ch]' ! -name 'cmd_*.c' ! -name 'main.c' | sort); do
    while IFS=: read -r line target; do
      [ -z "$target" ] && continue
      top=${target%%/*}
      [ "$top" = "$folder" ] && continue
      ok=0
      for allowed in ${may[$folder]}; do
        if [ "$target" = "$allowed" ] || [ "$top" = "$allowed" ]; then ok=1; fi
      done
      if [ $ok = 0 ]; then
        echo "$file:$line: $folder/ may not include $target"
        bad=1
      fi
    done < <(grep -nE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' "$file" |
      sed -E 's/^([0-9]+):.*"([^"]+)".*/\1:\2/')
  done
done

# No rooms beside the agreed ones, and no drawer for leftovers.
for entry in $(git ls-files 2>/dev/null | cut -d/ -f1 | sort -u); do
  case $entry in
    CMakeLists.txt | CMakePresets.json | README.md | LICENSE | agent | nn | instrument | config | tests | sim | docs | .*) ;;
    *) echo "$entry: not one of the agreed top-level names"; bad=1 ;;
  esac
done
if find . -path ./build -prune -o \( -name 'util*.[ch]' -o -name 'common*.[ch]' -o -name 'helpers*.[ch]' \) -print | grep -q .; then
  echo "a file is named util, common or helpers: name what it holds"
  bad=1
fi
# Only agent/ and programs talk to people; libraries write to a FILE they were handed.
while read -r file; do
  if grep -nHE '(^|[^a-z_])(printf|puts|perror)[[:space:]]*\(|fprintf\((stderr|stdout)' "$file"; then
    echo "$file: a library prints; only agent/ and programs may"
    bad=1
  fi
done < <(find nn instrument config sim -name '*.c' ! -name 'cmd_*.c')
exit $bad
