#!/usr/bin/env bash
# Keys at the doors: a listed instrument and operator get in over a non-loopback endpoint; strangers,
# wrong roles and anybody without keys do not.
. "$(dirname "$0")/common.bash"

fixed_model "$tmp/model.tipnn" .05 .05 .05 .05 .05 .90
base=$((20000 + RANDOM % 20000))
at() { echo "tcp://$1:$((base + $2))"; }
bound=(--data "$(at 0.0.0.0 1)" --command "$(at 0.0.0.0 2)" --console "$(at 0.0.0.0 3)"
  --feed "$(at 0.0.0.0 4)")
wire=(--data "$(at 127.0.0.1 1)" --command "$(at 127.0.0.1 2)")
console=(--console "$(at 127.0.0.1 3)")
night=(run --state "$tmp/night" --model "$tmp/model.tipnn" --quiet --pictures none)

check_exit 6 "an agent on all interfaces without keys is refused" \
  "$tipwright" "${night[@]}" "${bound[@]}"
check_exit 6 "so is one whose console alone is open" \
  "$tipwright" "${night[@]}" --console "$(at 0.0.0.0 3)"
check_exit 6 "so is an instrument that would call another machine" \
  "$tipwright" sim --data "$(at 192.0.2.1 1)" --command "$(at 192.0.2.1 2)"

check_exit 0 "keys are made" "$tipwright" keys "$tmp/keys"
check_exit 0 "one more operator" "$tipwright" keys --add operator:anna "$tmp/keys"
check_exit 6 "keys are not made twice" "$tipwright" keys "$tmp/keys"
check "no secret is open to others" test -z "$(find "$tmp/keys" -name '*.key' -perm /077)"
"$tipwright" keys --list "$tmp/keys" >"$tmp/list"
check "four keys may connect" test "$(wc -l <"$tmp/list")" -eq 4

# A stranger: keys of his own, and the agent's public key, which is no secret.
"$tipwright" keys "$tmp/strange" 2>/dev/null
cp "$tmp/keys/agent.pub" "$tmp/strange/agent.pub"
# A viewer who calls himself an instrument, and an instrument who wants to operate.
mkdir "$tmp/wrong"
cp "$tmp/keys/agent.pub" "$tmp/wrong/"
cp "$tmp/keys/viewer.key" "$tmp/wrong/instrument.key"
cp "$tmp/keys/instrument.key" "$tmp/wrong/operator.key"

start "$tipwright" "${night[@]}" "${bound[@]}" --keys "$tmp/keys" 2>"$tmp/agent.err"
# shellcheck disable=SC2317
says() { "$tipwright" status "${console[@]}" --timeout 1 --keys "$tmp/keys" 2>/dev/null; }
# shellcheck disable=SC2317
answers() { says >/dev/null; }
check "an operator is answered" until_true 20 answers
check_exit 0 "so is anna" "$tipwright" status "${console[@]}" --keys "$tmp/keys" --key anna
agent=$started
check_exit 0 "so is a viewer" "$tipwright" status "${console[@]}" --keys "$tmp/keys" --key viewer
check_exit 1 "a stranger is not" \
  "$tipwright" status "${console[@]}" --timeout 1 --keys "$tmp/strange"
check_exit 1 "nor an instrument's key" \
  "$tipwright" status "${console[@]}" --timeout 1 --keys "$tmp/wrong"
check_exit 1 "nor anybody without a key" "$tipwright" status "${console[@]}" --timeout 1
check_exit 6 "a viewer may not arm" "$tipwright" arm "${console[@]}" --keys "$tmp/keys" --key viewer
check_exit 0 "an operator may" "$tipwright" hold "${console[@]}" --keys "$tmp/keys" --key anna

sim=(sim --lines 32 --points 32 --time-scale max --quiet)
# shellcheck disable=SC2317
connected() { says | grep -q 'connected, '; }
# shellcheck disable=SC2317
never_connected() { ! until_true 2 connected; }
for who in strange wrong; do
  start "$tipwright" "${sim[@]}" "${wire[@]}" --keys "$tmp/$who"
  check "an instrument with $who keys is not let in" never_connected
  kill -KILL -- "-$started"
done
start "$tipwright" "${sim[@]}" "${wire[@]}" --keys "$tmp/keys"
check "the listed instrument is" until_true 20 connected

"$tipwright" journal events "$tmp/night" >"$tmp/events"
check "the hold is on record with its key's name" grep -q 'hold by operator:anna' "$tmp/events"
check "no viewer is on record as having done anything" \
  test "$(grep -c 'by viewer' "$tmp/events")" -eq 0
kill -INT "$agent"
check "the agent leaves in order" ended_by 20 "$agent"

chmod 644 "$tmp/keys/agent.key"
check_exit 6 "a secret that others can read is refused" \
  "$tipwright" "${night[@]}" "${bound[@]}" --keys "$tmp/keys"
for door in data command feed; do
  check_exit 6 "an open --$door alone is refused without keys" \
    "$tipwright" "${night[@]}" "--$door" "$(at 0.0.0.0 1)"
done
check_exit 6 "nor does an operator without keys call another machine" \
  "$tipwright" stop --console "$(at 192.0.2.1 3)" --timeout 2
finish
