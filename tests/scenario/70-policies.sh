#!/usr/bin/env bash
# Policies through the program: bad ones refused with file:line:col, shipped ones accepted. That line
# and column are the right ones is for tests/config to say.
. "$(dirname "$0")/common.bash"

bad_policies=("$root"/tests/config/bad/*.yaml)
refused=0 placed=0
for policy in "${bad_policies[@]}"; do
  "$tipwright" check "$policy" >"$tmp/out" 2>"$tmp/err"
  [ $? -eq 6 ] && refused=$((refused + 1))
  grep -qE "^$policy:[0-9]+:[0-9]+: error: ." "$tmp/err" && placed=$((placed + 1))
done
figure "${#bad_policies[@]} bad policies, $refused refused, $placed with file:line:col: error:"
check "at least 40 bad policies are refused" test $refused -ge 40
check "every bad policy is refused" test $refused -eq ${#bad_policies[@]}
check "every refusal names file, line and column" test $placed -eq ${#bad_policies[@]}

shipped=("$root"/config/policies/*.yaml "$root"/config/policies/baselines/*.yaml)
check_exit 0 "all ${#shipped[@]} shipped policies are accepted" "$tipwright" check "${shipped[@]}"
check_exit 6 "one bad among good ones is enough to refuse" \
  "$tipwright" check "${shipped[0]}" "${bad_policies[0]}"
check_exit 6 "the agent does not start on a bad policy" \
  "$tipwright" run --state "$tmp/state" --policy "${bad_policies[0]}"
check "and has not made a journal for it" test ! -e "$tmp/state/journal.sqlite"
"$tipwright" check --json "${bad_policies[@]}" >"$tmp/check.json" 2>/dev/null
check "--json is JSON" python3 -m json.tool "$tmp/check.json" /dev/null
finish
