#!/usr/bin/env bash
# Simulated nights by tipwright bench nights: the whole agent over sockets does exactly what the
# in-process variant does; conditioning beats doing nothing; with perfect verdicts the table of uptime
# against decision time comes out, and nobody needs fewer actions than chance allows; parts of a bench
# that were played apart, cut off or resumed are the whole one.
#
# NIGHTS=N plays more of those that are judged by the network; TABLE=FILE keeps their results.
# shellcheck disable=SC2317
. "$(dirname "$0")/common.bash"

model=${MODEL:-$root/nn/models/h-si-100.tipnn}
[ -f "$model" ] || { skip "no trained model at $model"; finish; }
nights=("$tipwright" bench nights --jobs 2)
baselines=$root/config/policies/baselines

# of FILE POLICY MEASURE [value|low|high]: from what --json printed.
of() {
  awk -v policy="\"$2\":" -v measure="\"$3\":" -v part="\"${4:-value}\":" '
    /^    "/ { inside = $1 == policy; next }
    $2 == "{" { at = inside && $1 == measure }
    at && $1 == part { sub(/,$/, "", $2); print $2; exit }' "$1"
}

# true_that EXPRESSION: of awk.
true_that() { awk "BEGIN { exit !($1) }"; }

# What was played, without how long that took.
played() { sed -e 's/,"wall_s":.*//' "$1" | sort; }

# ---- the whole agent and the same in process ----

one_way() { "${nights[@]}" --nights 2 --hours .4 --policies default "$@" >"$tmp/told" 2>"$tmp/err"; }
check "two nights with the whole agent" one_way --full --out "$tmp/full"
check "the same two in process" one_way --out "$tmp/fast"
tail -n +2 "$tmp/full/results.jsonl" >"$tmp/full.nights"
tail -n +2 "$tmp/fast/results.jsonl" >"$tmp/fast.nights"
check "came to the same to the last digit" \
  test "$(played "$tmp/full.nights")" = "$(played "$tmp/fast.nights")"
check "of which there are two" test "$(wc -l <"$tmp/full.nights")" -eq 2
check_exit 0 "the journal of each is kept and whole" "$tipwright" journal verify "$tmp/full/default-2"

# ---- the network's verdicts ----

"${nights[@]}" --nights "${NIGHTS:-6}" --hours 3 --policies default --json >"$tmp/n.json" 2>"$tmp/err"
check "nights with the network are played" test $? -eq 0
[ -n "${TABLE:-}" ] && cp "$tmp/n.json" "$TABLE"
# Nobody looks closely at pictures of a night in which nothing is done.
"${nights[@]}" --nights "${NIGHTS:-6}" --hours 3 --policies no-action --verdicts truth --json \
  >"$tmp/w.json" 2>"$tmp/err"
up=$(of "$tmp/n.json" default uptime_mean) idle=$(of "$tmp/w.json" no-action uptime_mean)
figure "mean uptime $up beside $idle if nobody acts;" \
  "first good tip after $(of "$tmp/n.json" default first_good_min) min (median)," \
  "$(of "$tmp/n.json" default actions_per_hour) actions per hour," \
  "$(of "$tmp/n.json" default actions_per_100_good_frames) on a good tip per 100 good frames"
check "conditioning is better than doing nothing" true_that "$up > $idle"
check "no night is lost or left" true_that \
  "$(of "$tmp/n.json" default lost) + $(of "$tmp/n.json" default left) + \
   $(of "$tmp/n.json" default stopped) == 0"

# ---- perfect verdicts: uptime against decision time ----

# Few samples on a line: nobody looks at them, and what happens to the tip is the same.
sed 's/points: 300/points: 16/' "$root/sim/scenarios/regression.yaml" >"$tmp/regression.yaml"
"${nights[@]}" --nights 20 --scenario "$tmp/regression.yaml" --verdicts truth --json \
  --policies no-action,regression-whole,regression-40,regression-20 >"$tmp/r.json" 2>"$tmp/err"
# in_table POLICY TABLE: within .03 of the table, or as far as 20 nights can tell.
in_table() {
  local v low high
  v=$(of "$tmp/r.json" "$1" uptime_mean)
  low=$(of "$tmp/r.json" "$1" uptime_mean low) high=$(of "$tmp/r.json" "$1" uptime_mean high)
  figure "$1: uptime $v ($low to $high), computed $2"
  check "$1 comes out as computed" true_that "$low - .03 <= $2 && $2 <= $high + .03 && $v > 0"
}
in_table no-action .22
in_table regression-whole .73
in_table regression-40 .91
in_table regression-20 .93
mean() { of "$tmp/r.json" "$1" uptime_mean; }
check "the earlier the decision, the higher the uptime" true_that \
  "$(mean no-action) < $(mean regression-whole) && \
   $(mean regression-whole) < $(mean regression-40) && \
   $(mean regression-40) < $(mean regression-20)"
"${nights[@]}" --nights 12 --scenario "$tmp/regression.yaml" --verdicts truth:.1,.1 --json \
  --policies regression-20 >"$tmp/e.json" 2>"$tmp/err"
wrong=$(of "$tmp/e.json" regression-20 uptime_mean)
figure "regression-20 with 10 % false alarms and misses: uptime $wrong, computed .82"
check "and errors of the verdict cost what was computed" true_that "$wrong > .76 && $wrong < .86"

# ---- nobody sees what cannot be seen ----

# Every action works with probability .151, whatever it is: 6.6 are needed in the mean.
sed -e 's/^name: h-si-100$/name: learner\nstrategy: learn/' "$root/config/policies/h-si-100.yaml" \
  >"$tmp/learner.yaml"
"${nights[@]}" --nights 60 --hours 2 --scenario constant --verdicts truth --json \
  --policies "default,learn=$tmp/learner.yaml,regression-20" >"$tmp/c.json" 2>"$tmp/err"
for policy in default learn regression-20; do
  figure "$policy: $(of "$tmp/c.json" $policy actions_to_first_wanted) actions to the first good tip" \
    "($(of "$tmp/c.json" $policy actions_to_first_wanted low) to" \
    "$(of "$tmp/c.json" $policy actions_to_first_wanted high)), 6.6 by the closed form"
  check "$policy does not beat the closed form" true_that \
    "$(of "$tmp/c.json" $policy actions_to_first_wanted high) >= 1 / .151"
done

# ---- parts ----

part() {
  "${nights[@]}" --hours 1 --verdicts truth --policies "default,mine=$baselines/regression-20.yaml" \
    "$@" >"$tmp/told" 2>"$tmp/err"
}
check "a bench in one piece" part --nights 4 --out "$tmp/whole" --picture "$tmp/whole.png"
check "draws its nights" test "$(head -c 4 "$tmp/whole.png" | tail -c 3)" = PNG
check "half of it" part --nights 4 --shard 1/2 --out "$tmp/half1"
check "the other half" part --nights 4 --shard 2/2 --out "$tmp/half2"
merged() { "${nights[@]}" --json --merge "$@" | sed '/^  "speed"/,$d'; }
merged "$tmp/half1/results.jsonl" "$tmp/half2/results.jsonl" >"$tmp/m.json"
merged "$tmp/whole/results.jsonl" >"$tmp/one.json"
check "are the whole when merged" cmp -s "$tmp/m.json" "$tmp/one.json"
check "with figures" test "$(of "$tmp/m.json" mine uptime)" != ""
head -c 3000 "$tmp/whole/results.jsonl" >"$tmp/half1/results.jsonl"
check "what was cut off is resumed" part --nights 4 --out "$tmp/half1"
check "and is the whole" \
  test "$(played "$tmp/half1/results.jsonl")" = "$(played "$tmp/whole/results.jsonl")"
check_exit 6 "nights of another length are not mixed in" "$tipwright" bench nights --hours 2 \
  --verdicts truth --policies default --nights 1 --out "$tmp/whole"
check_exit 6 "nor a policy that has changed" "$tipwright" bench nights --hours 1 --nights 1 \
  --verdicts truth --policies "mine=$baselines/regression-40.yaml" --out "$tmp/whole"
check_exit 6 "nor merged" "$tipwright" bench nights --merge "$tmp/whole/results.jsonl" \
  "$tmp/fast/results.jsonl"
check_exit 2 "the agent's own program cannot see the truth" \
  "$tipwright" bench nights --full --verdicts truth
check_exit 6 "a policy that is not there" "$tipwright" bench nights --policies nobody --nights 1
finish
