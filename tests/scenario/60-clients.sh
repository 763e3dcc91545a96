#!/usr/bin/env bash
# Foreign clients, written in JavaScript from docs/protocol.md alone: an instrument that drives the
# agent and executes an operator's pulse, and an operator who arms, holds, resumes and stops it.
. "$(dirname "$0")/common.bash"

clients=$root/tests/clients
if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
  skip "no node and npm: foreign clients are not seen"
  finish
fi
if [ ! -d "$clients/node_modules/zeromq" ] &&
  ! npm --prefix "$clients" install --no-audit --no-fund >"$tmp/npm.log" 2>&1; then
  skip "npm cannot install zeromq: foreign clients are not seen"
  finish
fi
fixed_model "$tmp/model.tipnn" .05 .05 .05 .05 .05 .90

# An agent of its own for each client, in hold as it starts; $agent, $link, $wire, $console.
start_agent() {
  endpoints "$tmp/$1"
  start "$tipwright" run --state "$tmp/$1/night" --model "$tmp/model.tipnn" "${link[@]}" --quiet \
    --until-lost --pictures none 2>"$tmp/$1/agent.err"
  agent=$started
}

# shellcheck disable=SC2317
scans() { "$tipwright" status "${console[@]:0:2}" --timeout 1 2>/dev/null | grep -q 'connected, scanning'; }

start_agent instrument
start node "$clients/instrument.mjs" "${wire[@]}" --until-action --seconds 60 >"$tmp/instrument.json"
instrument=$started
check "the agent sees a foreign instrument scan" until_true 20 scans
check_exit 0 "an operator's pulse on a foreign instrument" \
  "$tipwright" "do" pulse --voltage "2.5 V" "${console[@]:0:2}"
ended_by 60 "$instrument"
check "the foreign instrument is content" test "$code" -eq 0
check "it executed exactly one action" grep -q '"actions":1,' "$tmp/instrument.json"
check "and every line of it was acknowledged" \
  node -e 'const r = JSON.parse(require("fs").readFileSync(process.argv[1]));
           process.exit(r.data_messages > 200 && r.acked === r.data_messages ? 0 : 1)' \
  "$tmp/instrument.json"
ended_by 30 "$agent"
check "the agent leaves when it is gone" test "$code" -eq 4

start_agent operator
start node "$clients/instrument.mjs" "${wire[@]}" --paced 2 --frames 1000 --seconds 100 >/dev/null
guarded 90 node "$clients/operator.mjs" "${console[@]}" --seconds 60
finish
