#!/usr/bin/env bash
# What `tipwright sim --record` leaves behind opens in Gwyddion, with equal values.
. "$(dirname "$0")/common.bash"

command -v gwyddion >/dev/null || { skip "gwyddion is not installed"; finish; }

fixed_model "$tmp/model.tipnn" .05 .05 .05 .05 .05 .90
endpoints "$tmp/link"
mkdir "$tmp/night"
# Armed, so that actions cut frames short as they would; the last frame is cut by the night's end.
start "$tipwright" run --state "$tmp/state" --model "$tmp/model.tipnn" "${link[@]}" --arm --quiet \
  --duration "14 min" --pictures none 2>"$tmp/run.err"
agent=$started
start "$tipwright" sim --seed 7 --lines 48 --points 48 --line-time "1 s" --time-scale max \
  "${wire[@]}" --record "$tmp/night" --duration "15 min" --quiet 2>"$tmp/sim.err"
sim=$started
check "a night of 14 minutes ends" ended_by 60 "$agent"
kill -INT "$sim" 2>/dev/null
check "the simulator leaves in order" ended_by 10 "$sim"

images=("$tmp"/night/*_mtrx)
[ -e "${images[0]}" ] || images=()
acquired() { "$tipwright" info --json "$1" | sed -n 's/^ *"\(acquired\|planned\)[a-z_]*": *\([0-9]*\).*/\2/p' | sort -u | wc -l; }
cut=0
for image in "${images[@]}"; do [ "$(acquired "$image")" -gt 1 ] && cut=$((cut + 1)); done
figure "${#images[@]} images, $cut of them stopped early"
check "the night has left images" test ${#images[@]} -ge 3
# Headless: it converts without a display, but its toolkit asks for one.
display=()
if [ -z "${DISPLAY:-}" ] && command -v xvfb-run >/dev/null; then display=(xvfb-run -a); fi
guarded 120 "${display[@]}" "$programs/gwyddion_reads" "$tmp/out.gwy" "${images[@]:0:12}"
finish
