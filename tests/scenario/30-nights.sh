#!/usr/bin/env bash
# Twenty seeded nights of agent and simulated microscope, each beside the same night with an agent
# that only watches. Every night must end in a good tip, its budget spent, or parked; and the tip must
# be good for a larger share of the time than if nobody had done anything.
#
# SEEDS="1 2 3" for other nights; TABLE=FILE keeps the table.
# shellcheck disable=SC2317
. "$(dirname "$0")/common.bash"

read -ra seeds <<<"${SEEDS:-$(seq -s ' ' 1 20)}"
length="${LENGTH_S:-3600} s" # of a night, in the instrument's time: a line takes one second
model=${MODEL:-$root/nn/models/h-si-100.tipnn}
[ -f "$model" ] || { skip "no trained model at $model"; finish; }
cp "$model" "$tmp/model.tipnn"
model=$tmp/model.tipnn

# The shipped policy, with what suits a night of an hour: one direction is judged, as the other takes
# as long again, and a tip is good a little earlier.
policy=$tmp/nights.yaml
sed -e 's/judge_backward: true/judge_backward: false/' -e 's/wanted < 0.60/wanted < 0.50/' \
  -e '/name: good/,/then/{s/wanted >= 0.70/wanted >= 0.60/;s/confirm: 3 frames/confirm: 2 frames/}' \
  "$root/config/policies/h-si-100.yaml" >"$policy"
check_exit 0 "the nights' policy is valid" "$tipwright" check "$policy"
# Who only watches does the same whatever he sees.
fixed_model "$tmp/blind.tipnn" .05 .05 .05 .05 .05 .90

# night NAME SEED POLICY MODEL: the summary goes to $tmp/NAME.json, the truth to $tmp/NAME.csv.
night() {
  local name=$1 agent
  endpoints "$tmp/$name.link"
  start timeout 200 "$tipwright" run --state "$tmp/$name" --policy "$3" --model "$4" "${link[@]}" --arm \
    --duration "$length" --pictures none --json --quiet >"$tmp/$name.json" 2>"$tmp/$name.err"
  agent=$started
  start timeout 200 "$tipwright" sim --seed "$2" --lines 96 --points 96 --line-time "1 s" "${wire[@]}" \
    --time-scale max --truth "$tmp/$name.csv" --quiet 2>>"$tmp/$name.err"
  ended_by 200 "$agent"
  kill -TERM "$started" 2>/dev/null
  wait "$started" 2>/dev/null
}

# Share of the night's time with a dimer or better, from the simulator's own book. All start worse.
uptime_of() {
  local hours
  hours=$(field "$1" night_h)
  awk -F, -v end="$hours" 'BEGIN { end *= 3600 }
    NR > 1 && $1 <= end { if (good) up += $1 - last; last = $1; s = $(NF - 1)
      good = s == "atomic" || s == "asym" || s == "dimer" }
    END { if (good) up += end - last; printf "%.3f\n", up / end }' "$tmp/$1.csv"
}

field() { sed -n "s/^ *\"$2\": \"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}\$/\1/p" "$tmp/$1.json"; }

# What a night came to: good, budget, parked; or how it ended without any of them.
came_to() {
  local how
  how=$(field "$1" how)
  if [ "$how" = time ] && [ "$(field "$1" good_found)" = true ]; then how=good; fi
  echo "${how:-nothing}"
}

one_seed() {
  night "n$1" "$1" "$policy" "$model"
  night "w$1" "$1" "$root/config/policies/observe-only.yaml" "$tmp/blind.tipnn"
  printf '%s %s %s %s %s %s %s\n' "$1" "$(came_to "n$1")" "$(field "n$1" first_good_h)" \
    "$(field "n$1" actions)" "$(field "n$1" new_areas)" "$(uptime_of "n$1")" "$(uptime_of "w$1")" |
    sed 's/  / - /' >"$tmp/row$1"
}

for seed in "${seeds[@]}"; do lane one_seed "$seed"; done
lanes_done

table=$tmp/table
for seed in "${seeds[@]}"; do cat "$tmp/row$seed"; done >"$table"
[ -n "${TABLE:-}" ] && cp "$table" "$TABLE"
figure "seed  came to  first good/h  actions  new areas  uptime  uptime if nobody acts"
while read -r seed end first actions areas up idle; do
  figure "$(printf '%4s  %-7s  %12.6s  %7s  %9s  %6s  %6s' "$seed" "$end" "$first" "$actions" "$areas" "$up" "$idle")"
done <"$table"
check "each of ${#seeds[@]} nights ends in a good tip, its budget spent, or parked" \
  test "$(grep -cE '^[0-9]+ (good|budget|parked) ' "$table")" -eq ${#seeds[@]}
figure "$(awk '{ n[$2]++; up += $6; idle += $7 } END { for (k in n) printf "%s %d, ", k, n[k]
  printf "mean uptime %.3f beside %.3f if nobody acts", up / NR, idle / NR }' "$table")"
# shellcheck disable=SC2016
check "conditioning is better than doing nothing" \
  awk '{ d += $6 - $7 } END { exit !(d > 0) }' "$table"
finish
