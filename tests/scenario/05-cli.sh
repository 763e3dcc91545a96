#!/usr/bin/env bash
# The command line: help, versions, exit codes, JSON, colours.
. "$(dirname "$0")/common.bash"

commands=(run sim replay demo check train eval model bench labels dataset judge classify convert info console status hold resume stop
  arm "do" journal keys)

fixed_model "$tmp/model.tipnn" .05 .05 .05 .05 .05 .90
listed=$("$tipwright" --help)
for command in "${commands[@]}"; do
  check_exit 0 "$command --help" "$tipwright" "$command" --help
  check "$command --help goes to stdout" test -s "$tmp/out" -a ! -s "$tmp/err"
  check "$command --help tells the exit status" grep -q 'Exit status' "$tmp/out"
  check_exit 2 "$command refuses an unknown option" "$tipwright" "$command" --no-such-option
  check "$command says so on stderr" test -s "$tmp/err" -a ! -s "$tmp/out"
  check "$command is listed by --help" grep -qE "^  $command " <<<"$listed"
done
check_exit 0 "--version" "$tipwright" --version
check_exit 2 "no command" "$tipwright"
check_exit 2 "an unknown command" "$tipwright" condition
check_exit 2 "run needs --state" "$tipwright" run
check_exit 6 "run refuses a model that is none" \
  "$tipwright" run --state "$tmp/state" --model "$here/kills.yaml"
check_exit 1 "journal of nothing" "$tipwright" journal verify "$tmp/nothing"
check_exit 1 "info of nothing" "$tipwright" info "$tmp/nothing.Z_mtrx"
check_exit 1 "no agent answers" "$tipwright" status --console "ipc://$tmp/nobody" --timeout 1

# Three lines of a night, for the commands that read one.
endpoints "$tmp/link"
start "$tipwright" run --state "$tmp/night" --model "$tmp/model.tipnn" "${link[@]}" --json --quiet \
  --duration "60 s" >"$tmp/run.json" 2>"$tmp/run.err"
agent=$started
start "$tipwright" sim --lines 32 --points 32 --time-scale max "${wire[@]}" --quiet --record "$tmp" \
  --duration "10 min" 2>"$tmp/sim.err"
ended_by 30 "$agent"
check "a short night ends by its time" test "$code" -eq 3
kill -TERM "$started" 2>/dev/null
# shellcheck disable=SC2317
is_json() { python3 -c 'import json, sys; [json.loads(l) for l in open(sys.argv[1])]' "$1" 2>/dev/null ||
  python3 -m json.tool "$1" /dev/null; }
check "run --json" is_json "$tmp/run.json"
for what in verify actions decisions events; do
  "$tipwright" journal $what --json "$tmp/night" >"$tmp/$what.json"
  check "journal $what --json" is_json "$tmp/$what.json"
done
for file in "$tmp"/*.Z_mtrx; do break; done
"$tipwright" info --json "$file" >"$tmp/info.json"
check "info --json" is_json "$tmp/info.json"
"$tipwright" check --json "$root/config/policies/h-si-100.yaml" >"$tmp/check.json"
check "check --json" is_json "$tmp/check.json"

# Colour on a terminal only, and not with NO_COLOR. `script` makes a terminal.
on_terminal() { script -qec "$*" /dev/null </dev/null; }
colour=$'\e['
if command -v script >/dev/null; then
  check "no colour with NO_COLOR" \
    test "$(NO_COLOR=1 on_terminal "$tipwright" check "$root/tests/config/bad/01-unknown-key-top.yaml" | grep -cF "$colour")" -eq 0
else
  skip "no program to make a terminal: NO_COLOR is not seen"
fi
check_exit 6 "and none into a file" "$tipwright" check "$root/tests/config/bad/01-unknown-key-top.yaml"
check "as said" test "$(grep -cF "$colour" "$tmp/err")" -eq 0
finish
