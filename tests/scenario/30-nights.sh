#!/usr/bin/env bash
# Seeded nights of agent and simulated microscope, each beside the same night with an agent
# that only watches. Every night must end in a good tip, its budget spent, or parked; and the tip must
# be good for a larger share of the time than if nobody had done anything.
#
# Ten nights; SEEDS="1 2 3" for others (CI plays twenty); TABLE=FILE keeps the table.
# shellcheck disable=SC2317
. "$(dirname "$0")/common.bash"

read -ra seeds <<<"${SEEDS:-$(seq -s ' ' 1 10)}"
length="${LENGTH_S:-2400} s" # of a night, in the instrument's time: a line takes one second
model=${MODEL:-$root/nn/models/h-si-100.tipnn}
[ -f "$model" ] || { skip "no trained model at $model"; finish; }
cp "$model" "$tmp/model.tipnn"
model=$tmp/model.tipnn

# The shipped policy, but one direction is judged, as the other takes as long again.
policy=$tmp/nights.yaml
sed -e 's/judge_backward: true/judge_backward: false/' "$root/config/policies/h-si-100.yaml" >"$policy"
check_exit 0 "the nights' policy is valid" "$tipwright" check "$policy"
# Who only watches does the same whatever he sees.
fixed_model "$tmp/blind.tipnn" .05 .05 .05 .05 .05 .90

# night NAME SEED POLICY MODEL POINTS OPTION...: the summary goes to $tmp/NAME.json, the truth to
# $tmp/NAME.csv.
night() {
  local name=$1 seed=$2 policy=$3 model=$4 points=$5 agent
  shift 5
  endpoints "$tmp/$name.link"
  start timeout 400 "$tipwright" run --state "$tmp/$name" --policy "$policy" --model "$model" \
    "${link[@]}" --arm "$@" --pictures none --json --quiet >"$tmp/$name.json" 2>"$tmp/$name.err"
  agent=$started
  # In the foreground: else its one SIGTERM would arrive twice, and the second is not waited for.
  start timeout --foreground 400 "$tipwright" sim --seed "$seed" --lines 96 --points "$points" --line-time "1 s" \
    "${wire[@]}" --time-scale max --truth "$tmp/$name.csv" --quiet 2>>"$tmp/$name.err"
  ended_by 400 "$agent"
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

# The tip's true state when the agent first called it good.
state_at_good() {
  awk -F, -v at="$(field "$1" first_good_h)" 'NR > 1 && at != "" && $1 <= at * 3600 { s = $(NF - 1) }
    END { print s == "" ? "-" : s }' "$tmp/$1.csv"
}

# What a night came to: good, budget, parked; or how it ended without any of them.
came_to() {
  local how
  how=$(field "$1" how)
  if [ "$how" = time ] && [ "$(field "$1" good_found)" = true ]; then how=good; fi
  echo "${how:-nothing}"
}

one_seed() {
  local seed=$1 told=n$1
  night "n$seed" "$seed" "$policy" "$model" 96 --duration "$length"
  # Cut off before it came to anything: the same night again, to its end.
  if [ "$(came_to "n$seed")" = time ]; then
    told=l$seed
    night "$told" "$seed" "$policy" "$model" 96 --once-good
  fi
  # Nobody looks closely at pictures of a night in which nothing is done.
  night "w$seed" "$seed" "$root/config/policies/observe-only.yaml" "$tmp/blind.tipnn" 16 \
    --duration "$length"
  printf '%s %s %s %s %s %s %s %s\n' "$seed" "$(came_to "$told")" \
    "$(field "$told" first_good_h | grep . || echo -)" "$(state_at_good "$told")" \
    "$(field "$told" actions)" "$(field "$told" new_areas)" \
    "$(uptime_of "n$seed")" "$(uptime_of "w$seed")" >"$tmp/row$seed"
}

for seed in "${seeds[@]}"; do lane one_seed "$seed"; done
lanes_done

table=$tmp/table
for seed in "${seeds[@]}"; do cat "$tmp/row$seed"; done >"$table"
[ -n "${TABLE:-}" ] && cp "$table" "$TABLE"
figure "seed  came to  first good/h  then truly  actions  new areas  uptime  uptime if nobody acts"
while read -r seed end first truly actions areas up idle; do
  figure "$(printf '%4s  %-7s  %12.6s  %10s  %7s  %9s  %6s  %6s' \
    "$seed" "$end" "$first" "$truly" "$actions" "$areas" "$up" "$idle")"
done <"$table"
check "each of ${#seeds[@]} nights ends in a good tip, its budget spent, or parked" \
  test "$(grep -cE '^[0-9]+ (good|budget|parked) ' "$table")" -eq ${#seeds[@]}
figure "$(awk '{ n[$2]++; up += $7; idle += $8; truly += $4 ~ /^(atomic|asym|dimer)$/ }
  END { for (k in n) printf "%s %d, ", k, n[k]
    printf "of the good ones truly a dimer or better %d; ", truly
    printf "mean uptime %.3f beside %.3f if nobody acts", up / NR, idle / NR }' "$table")"
# shellcheck disable=SC2016
check "conditioning is better than doing nothing" \
  awk '{ d += $7 - $8 } END { exit !(d > 0) }' "$table"
finish
