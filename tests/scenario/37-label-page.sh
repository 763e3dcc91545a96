#!/usr/bin/env bash
# The labelling page: scans of a simulated night and pictures are looked at and voted on, by
# keyboard in a real browser, and what comes out is a table that training reads.
#
# Usage: 37-label-page.sh [FOLDER]    screenshots go to FOLDER, if one is given
. "$(dirname "$0")/common.bash"

clients=$root/tests/clients
shots=${1:-$tmp/shots}

# Nine frames of a microscope on a bad day; the last one ends on its way down.
fixed_model "$tmp/model.tipnn" .05 .05 .05 .05 .05 .90
endpoints "$tmp/link"
start "$tipwright" sim --seed 2 --start dimer --events 12 --time-scale max --record "$tmp/scans" \
  "${wire[@]}" --quiet
sim=$started
check_exit 3 "a simulated night is recorded" "$tipwright" run --state "$tmp/night" \
  --model "$tmp/model.tipnn" --policy "$root/config/policies/observe-only.yaml" \
  --duration "1700 s" --pictures none --quiet "${link[@]}"
kill -INT "$sim" 2>/dev/null
ended_by 20 "$sim"
check "nine scans are there" test "$(find "$tmp/scans" -name '*.Z_mtrx' | wc -l)" -eq 9

check_exit 2 "a page without a folder is refused" "$tipwright" labels serve --store "$tmp/v.sqlite"
check_exit 2 "so is another address" \
  "$tipwright" labels serve --matrix "$tmp/scans" --store "$tmp/v.sqlite" --address 0.0.0.0
check_exit 2 "so is a port of the system" \
  "$tipwright" labels serve --matrix "$tmp/scans" --store "$tmp/v.sqlite" --port 80
mkdir "$tmp/empty"
check_exit 1 "so is a folder without pictures" \
  "$tipwright" labels serve --images "$tmp/empty" --store "$tmp/v.sqlite"
check "and no store is made" test ! -e "$tmp/v.sqlite"
check_exit 1 "there is nothing to export" "$tipwright" labels export "$tmp/v.sqlite"
check_exit 1 "and a journal is no store" "$tipwright" labels export "$tmp/night/journal.sqlite"

# Two grey pictures, a ramp and its mirror, through the same page without a browser.
guarded 20 node "$clients/label_pictures.mjs" --tipwright "$tipwright" --work "$tmp"

if ! command -v chromium >/dev/null || ! command -v chromedriver >/dev/null; then
  skip "no chromium and chromedriver: the page is not seen in a browser"
  finish
fi
mkdir "$tmp/page"
guarded 55 node "$clients/label_page.mjs" --tipwright "$tipwright" --matrix "$tmp/scans" \
  --work "$tmp/page" --pictures "$shots"
store=$tmp/page/votes.sqlite
check "screenshots are there" test -s "$shots/labelling-marks.png"
check_exit 0 "the votes are exported" "$tipwright" labels export "$store" -o "$tmp/export.csv" \
  --marks "$tmp/marks.csv"
check_exit 0 "and aggregated" "$tipwright" labels aggregate "$tmp/export.csv" -o "$tmp/labels.csv"
check "five pictures have labels" test "$(tail -n +2 "$tmp/labels.csv" | wc -l)" -eq 5
check "one has a mark, counted from below" \
  test "$(tail -n +2 "$tmp/marks.csv" | cut -d, -f 2-)" = Ada,300,137,163,0.543333
check "nothing that was said is lost" \
  test "$(sqlite3 -readonly "$store" "SELECT count(*) FROM vote WHERE act = 'vote'")" -eq 7
finish
