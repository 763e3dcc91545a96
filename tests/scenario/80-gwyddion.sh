#!/usr/bin/env bash
# What `tipwright sim --record` leaves behind opens in Gwyddion, with equal values.
. "$(dirname "$0")/common.bash"

command -v gwyddion >/dev/null || { skip "gwyddion is not installed"; finish; }

fixed_model "$tmp/model.tipnn" .05 .05 .05 .05 .05 .90

# night NAME OPTION...: 14 minutes on record in $tmp/NAME; the night's end cuts the last frame.
night() {
  local name=$1 agent sim
  shift
  endpoints "$tmp/$name.link"
  mkdir "$tmp/$name"
  start "$tipwright" run --state "$tmp/$name.state" --model "$tmp/model.tipnn" "${link[@]}" --quiet \
    --duration "14 min" --pictures none "$@" >"$tmp/run.out" 2>"$tmp/run.err"
  agent=$started
  start "$tipwright" sim --seed 7 --lines 48 --points 48 --line-time "1 s" --time-scale max \
    "${wire[@]}" --record "$tmp/$name" --quiet 2>"$tmp/sim.err"
  sim=$started
  check "a night of 14 minutes ends" ended_by 60 "$agent"
  kill -INT "$sim"
  check "the simulator leaves in order" ended_by 10 "$sim"
}

# Complete frames when nothing is done, and frames that actions cut short.
night watched
night acted --arm

samples() { "$tipwright" info --json "$1" | sed -n "s/^ *\"$2_samples\": *\([0-9]*\).*/\1/p"; }
whole=0
images=("$tmp"/watched/*_mtrx "$tmp"/acted/*_mtrx)
for image in "${images[@]}"; do
  [ "$(samples "$image" planned)" = "$(samples "$image" acquired)" ] && whole=$((whole + 1))
done
figure "${#images[@]} images, $whole of them whole"
check "some are whole and some were cut short" \
  test "$whole" -ge 5 -a ${#images[@]} -ge $((whole + 5))
guarded 120 "$programs/gwyddion_reads" "$tmp/out.gwy" "${images[@]}"
finish
