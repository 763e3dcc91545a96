#!/usr/bin/env bash
# Instruments that fail, over real sockets in the instrument's own time: every scene in
# sim/scenarios/faults says what must come of it, and the journal and the simulator's own book say what
# did. The tip is bad all night and the policy would act every few seconds.
#
# SCENES="stall lose" for some of them.
# shellcheck disable=SC2317
. "$(dirname "$0")/common.bash"

policy=$here/faults.yaml
model=$tmp/model.tipnn
fixed_model "$model" .05 .05 .05 .05 .05 .90
length=220 # seconds of a night
# What an action may still take that was on its way when the fault came.
grace=6

# Data that nobody may act on while it lasts. The others leave the data as good as they were.
bad_data=" stall stall-for-ever lose not-a-number width late-end rail-current lost-contact crash rail partial-line "
# An action that never ends keeps a gated instrument from waiting: this one goes by the clock.
paced=" no-end "

# night SCENE FILE: the record in $tmp/SCENE, the book in $tmp/SCENE.csv.
night() {
  local scene=$1 file=$2 agent speed=max
  [[ $paced = *" $scene "* ]] && speed=60
  endpoints "$tmp/$scene.link"
  start timeout 60 "$tipwright" run --state "$tmp/$scene" --policy "$policy" --model "$model" \
    "${link[@]}" --arm --duration "$length s" --pictures none --json --quiet \
    >"$tmp/$scene.json" 2>"$tmp/$scene.err"
  agent=$started
  start timeout --foreground 60 "$tipwright" sim --scenario "$file" "${wire[@]}" --time-scale "$speed" \
    --truth "$tmp/$scene.csv" --quiet 2>>"$tmp/$scene.err"
  ended_by 60 "$agent"
  kill -TERM "$started" 2>/dev/null
  wait "$started" 2>/dev/null
}

record() { sqlite3 -readonly -list "$tmp/$1/journal.sqlite" "$2"; }

# The highest safe state that the agent went into by itself.
came_to() {
  local states
  states=$(record "$1" "SELECT DISTINCT kind FROM event WHERE who IN ('agent', 'guard')
    AND kind IN ('hold', 'retract', 'parked')")
  case $states in
    *parked*) echo parked ;;
    *retract*) echo retract ;;
    *hold*) echo hold ;;
    *) echo recover ;;
  esac
}

# Actions on the tip in the book, in seconds of the instrument's clock.
actions_of() { awk -F, 'NR > 1 && /,"(crash|pulse|neck)/ { print $1 }' "$tmp/$1.csv"; }

# How many of them lie between two times.
actions_between() { actions_of "$1" | awk -v from="$2" -v to="$3" '$1 > from && $1 <= to' | wc -l; }

# Actions inside any of the faults, but for the grace after each beginning.
actions_in_faults() {
  local scene=$1 n=0 from to
  while read -r from to; do
    n=$((n + $(actions_between "$scene" "$(awk "BEGIN { print $from + $grace }")" "$to")))
  done < <(awk -F, '$6 ~ /^fault .* begins$/ { from = $1 } $6 ~ /^fault .* ends$/ { print from, $1; from = "" }
    END { if (from != "") print from, 1e9 }' "$tmp/$scene.csv")
  echo "$n"
}

first_fault() { awk -F, '$6 ~ /^fault .* begins$/ { print $1; exit }' "$tmp/$1.csv"; }
last_fault() { awk -F, '$6 ~ /^fault .* ends$/ { t = $1 } END { print t }' "$tmp/$1.csv"; }

# A sentence per broken promise.
judge() {
  local scene=$1 wanted=$2 came acted asked after
  came=$(came_to "$scene")
  [ "$came" = "$wanted" ] || echo "came to $came"
  # At most once: no more effects than intents, no more outcomes "done" than effects.
  acted=$(actions_of "$scene" | wc -l)
  asked=$(record "$scene" "SELECT count(*) FROM action WHERE kind IN ('crash', 'pulse', 'neck')")
  [ "$acted" -le "$asked" ] || echo "$acted actions for $asked intents"
  [ "$acted" -ge 1 ] || echo "nothing was done before the fault"
  if [[ $bad_data = *" $scene "* ]] && [ "$(actions_in_faults "$scene")" -ne 0 ]; then
    echo "$(actions_in_faults "$scene") actions while the fault lasted"
  fi
  case $wanted in
    recover)
      after=$(actions_between "$scene" "$(last_fault "$scene")" 1e9)
      [ "$after" -ge 1 ] || echo "nothing was done after the fault"
      ;;
    *)
      after=$(actions_between "$scene" "$(awk "BEGIN { print $(first_fault "$scene") + $grace }")" 1e9)
      [ "$after" -eq 0 ] || echo "$after actions after the fault"
      ;;
  esac
  "$tipwright" journal verify "$tmp/$scene" >/dev/null 2>&1 || echo "the journal is not sound"
}

one() {
  local scene=$1 file=$root/sim/scenarios/faults/$1.yaml wanted wrong
  wanted=$(sed -n 's/^expect: *//p' "$file")
  night "$scene" "$file"
  wrong=$(judge "$scene" "$wanted" | paste -sd ';')
  if [ -n "$wanted" ] && [ -z "$wrong" ]; then
    ok "$scene: $wanted"
  else
    not_ok "$scene: $wanted is wanted: $wrong $(tail -n 2 "$tmp/$scene.err" | tr '\n' ' ')"
  fi
}

for file in "$root"/sim/scenarios/faults/*.yaml; do
  scene=$(basename "$file" .yaml)
  [[ -z ${SCENES:-} || " $SCENES " = *" $scene "* ]] && lane one "$scene"
done
lanes_done
finish
