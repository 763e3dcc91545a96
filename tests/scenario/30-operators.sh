#!/usr/bin/env bash
# shellcheck disable=SC2317 # functions are reached through check and until_true
# Operators against a working agent: what hold promises, who may do what, how it ends. Two real
# processes, real sockets; the fixed model finds every frame bad, so that the policy always wants to
# act, and the microscope writes down every action it is made to do.
. "$(dirname "$0")/common.bash"

fixed_model "$tmp/model" 0.05 0.05 0.05 0.05 0.05 0.8
policy=$here/operators.yaml

# agent NAME OPTION...: in the background; its link is $link, $wire, $console.
agent() {
  local name=$1
  shift
  endpoints "$tmp/$name.link"
  by=("${console[@]:0:2}" --timeout 10)
  start "$tipwright" run --state "$tmp/$name" --policy "$policy" --model "$tmp/model" "${link[@]}" \
    --pictures none "$@" >"$tmp/$name.out" 2>"$tmp/$name.err"
  agent_pid=$started
}

instrument() {
  start "$programs/logging_microscope" "${wire[1]}" "${wire[3]}" "$tmp/$1.log" 2>"$tmp/$1.mic"
}

ask() { timeout 20 "$tipwright" "$@" "${by[@]}" 2>"$tmp/ask.err"; }
# One member of the status, whose names are all different.
field() { ask status --json | sed -nE "s/^ *\"$1\": \"?([^\",]*)\"?,?\$/\1/p" | head -n 1; }
is() { [ "$(field "$1")" = "$2" ]; }
actions() { if [ -f "$tmp/$1.log" ]; then grep -c . "$tmp/$1.log"; else echo 0; fi; }
acted() { [ "$(actions "$1")" -gt "$2" ]; }

# ---- hold ----
agent a
instrument a
until_true 10 is hold_confirmed true || { not_ok "no fence confirmed: $(cat "$tmp/a.err")"; finish; }
check "it starts in hold" is safety hold
sleep 0.5
check "in hold nothing is done" [ "$(actions a)" -eq 0 ]
check_exit 6 "resume before anybody has armed is refused" "$tipwright" resume "${by[@]}"
check_exit 0 "arm" "$tipwright" arm "${by[@]}"
check "armed, it acts" until_true 10 acted a 0
[ $bad -eq 0 ] || finish

late=0 rounds=0
while [ $rounds -lt 8 ]; do
  rounds=$((rounds + 1))
  ask hold race >/dev/null || break
  # An action that ran when the hold came may end; none may begin.
  before=$(actions a)
  sleep 0.15
  [ "$(actions a)" -eq "$before" ] || late=$((late + 1))
  ask resume >/dev/null || break
  sleep 0.0$((RANDOM % 9))
done
check "$rounds of 8 holds acknowledged, $late actions begun after one" [ "$rounds $late" = "8 0" ]

# ---- by hand ----
ask hold by-hand >/dev/null
until_true 5 is command_open 0
before=$(actions a)
check_exit 6 "an action outside the bounds is refused" \
  "$tipwright" "do" pulse --voltage "9 V" --yes "${by[@]}"
check_exit 6 "a strong one needs a second word" \
  "$tipwright" "do" pulse --voltage "4.2 V" "${by[@]}"
check_exit 2 "a parameter that is none is not sent" \
  "$tipwright" "do" pulse --depth "1 nm" "${by[@]}"
check "none of them reached the microscope" [ "$(actions a)" -eq "$before" ]

# ---- the policy ----
cp "$policy" "$tmp/policy.yaml"
printf 'nonsense: 1\n' >>"$tmp/policy.yaml"
hash=$(field policy_hash)
printf 'policy.reload "%s"\n' "$tmp/policy.yaml" | ask console "${console[@]:2}" >/dev/null
check "a bad policy does not replace a good one" is policy_hash "$hash"
sed 's/^name: operators/name: replaced/' "$policy" >"$tmp/policy.yaml"
printf 'policy.reload "%s"\n' "$tmp/policy.yaml" | ask console "${console[@]:2}" >/dev/null
check "a good one does" until_true 5 is policy replaced
kill -INT "$agent_pid"
ended_by 15 "$agent_pid"
check "one interrupt leaves in order with 4 (was $code)" [ "$code" -eq 4 ]
check "the record is whole" "$tipwright" journal verify "$tmp/a"
"$tipwright" journal events "$tmp/a" >"$tmp/events"
for act in arm hold resume "do refused" "policy.reload refused"; do
  grep "operator:local" "$tmp/events" | grep -q "$act" || not_ok "not on record: $act"
done

# ---- stop and the way back; paced, as a gated night without a scan is over at once ----
agent s
start "$tipwright" sim --time-scale 20 --points 32 --lines 32 "${wire[@]}" 2>"$tmp/s.sim"
until_true 10 is state scanning || not_ok "no scan: $(cat "$tmp/s.err" "$tmp/s.sim")"
check_exit 0 "stop is confirmed" "$tipwright" stop "${by[@]}"
check "the tip is withdrawn" is state withdrawn
check_exit 6 "what is withdrawn is not pulsed" "$tipwright" "do" pulse --voltage "2 V" "${by[@]}"
printf 'disarm\ndo approach\nscan start\n' | ask console "${console[@]:2}" >/dev/null
check "by hand it scans again" until_true 10 is state scanning
check_exit 5 "a second agent on the same record is refused" \
  "$tipwright" run --state "$tmp/s" --policy "$policy" --model "$tmp/model" \
  --data "ipc://$tmp/x1" --command "ipc://$tmp/x2" --console "ipc://$tmp/x3" --feed "ipc://$tmp/x4"

# ---- ends ----
agent b --arm
instrument b
until_true 10 acted b 0
kill -INT "$agent_pid"
kill -INT "$agent_pid"
ended_by 15 "$agent_pid"
check "two interrupts stop with 4 (was $code)" [ "$code" -eq 4 ]

# ---- keys ----
check_exit 6 "an open endpoint without keys is refused" \
  "$tipwright" run --state "$tmp/c" --policy "$policy" --model "$tmp/model" --data "tcp://0.0.0.0:*"
"$tipwright" keys "$tmp/keys" >/dev/null 2>&1 || not_ok "keys could not be made"
"$tipwright" keys "$tmp/foreign" >/dev/null 2>&1
cp "$tmp/keys/agent.pub" "$tmp/foreign/agent.pub"
port=$((20000 + RANDOM % 20000))
start "$tipwright" run --state "$tmp/d" --policy "$policy" --model "$tmp/model" --keys "$tmp/keys" \
  --data "tcp://127.0.0.1:$port" --command "tcp://127.0.0.1:$((port + 1))" \
  --console "tcp://127.0.0.1:$((port + 2))" --feed "tcp://127.0.0.1:$((port + 3))" \
  >"$tmp/d.out" 2>"$tmp/d.err"
door=(--console "tcp://127.0.0.1:$((port + 2))" --timeout 3)
known() { timeout 10 "$tipwright" status "${door[@]}" --keys "$tmp/keys" --key "$1" >/dev/null 2>&1; }
check "an operator's key is let in" until_true 10 known operator
check "a viewer's key may look" known viewer
check_exit 6 "a viewer's key may not hold" \
  "$tipwright" hold "${door[@]}" --keys "$tmp/keys" --key viewer
check_exit 0 "an operator's key may" \
  "$tipwright" hold "${door[@]}" --keys "$tmp/keys" --key operator
check_exit 1 "a key of another place gets no answer" \
  "$tipwright" status "${door[@]}" --keys "$tmp/foreign" --key operator
check_exit 1 "nor does no key" "$tipwright" status "${door[@]}"
finish
