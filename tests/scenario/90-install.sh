#!/usr/bin/env bash
# `cmake --install` puts everything in place, and the installed program runs from there.
. "$(dirname "$0")/common.bash"

build=$(dirname "$(dirname "$tipwright")")
check_exit 0 "cmake --install" cmake --install "$build" --prefix "$tmp/usr"
installed=$tmp/usr/bin/tipwright
for file in bin/tipwright bin/tipwright-lab share/man/man1/tipwright.1 \
  share/tipwright/policies/h-si-100.yaml share/tipwright/policies/observe-only.yaml \
  share/tipwright/architectures/h-si-100.yaml share/tipwright/limits.yaml \
  lib/systemd/system/tipwright@.service; do
  check "$file is there" test -s "$tmp/usr/$file"
done
if compgen -G "$root/nn/models/*.tipnn" >/dev/null; then
  check "the model is there" test -s "$tmp/usr/share/tipwright/models/h-si-100.tipnn"
else
  skip "no model in the source tree yet: none installed"
fi
check_exit 0 "the installed program runs" "$installed" --version
check "and says the same version" cmp -s "$tmp/out" <("$tipwright" --version)

# Moved as a whole, so that nothing of the build or source tree can be meant by accident.
mv "$tmp/usr" "$tmp/elsewhere"
installed=$tmp/elsewhere/bin/tipwright
check_exit 0 "the laboratory's program is beside it" "$installed" labels --help
check_exit 2 "an architecture that did not come with it is refused" \
  "$installed" train -a none -l "$tmp/none.csv" -i "$tmp" -o "$tmp/none.tipnn"
check "after a look where its own are" grep -q "$tmp/elsewhere/.*/architectures/none.yaml" "$tmp/err"
if [ -s "$tmp/elsewhere/share/tipwright/models/h-si-100.tipnn" ]; then
  mv "$tmp/elsewhere/share/tipwright/models" "$tmp/models-hidden"
  check_exit 6 "without its model it does not start" "$installed" run --state "$tmp/none"
  check "the model that it misses is its own" grep -q "$tmp/elsewhere/" "$tmp/err"
  mv "$tmp/models-hidden" "$tmp/elsewhere/share/tipwright/models"
  endpoints "$tmp/link"
  start "$installed" run --state "$tmp/state" "${link[@]}" --quiet --duration "60 s" --json \
    --pictures none >"$tmp/run.json" 2>"$tmp/run.err"
  agent=$started
  start "$installed" sim --lines 32 --points 32 --time-scale max "${wire[@]}" --quiet
  sim=$started
  ended_by 60 "$agent"
  check "it finds model and policy and ends a short night" test "$code" -eq 3
  kill -INT "$sim" 2>/dev/null
  used=$(sqlite3 -readonly "$tmp/state/journal.sqlite" "SELECT policy_name FROM boot")
  check "with the shipped policy" test "$used" = h-si-100
fi

if command -v man >/dev/null; then
  check "the man page formats without complaint" \
    test -z "$(man --warnings -l "$tmp/elsewhere/share/man/man1/tipwright.1" 2>&1 >/dev/null)"
else
  skip "no man: the page is not formatted"
fi
if command -v systemd-analyze >/dev/null; then
  # It wants the instance's program to exist where the unit says.
  unit=$tmp/tipwright@test.service
  sed "s|^ExecStart=[^ ]*|ExecStart=$installed|" \
    "$tmp/elsewhere/lib/systemd/system/tipwright@.service" >"$unit"
  said=$(systemd-analyze verify --man=no "$unit" 2>&1 | grep -F "tipwright@")
  check "systemd accepts the unit" test -z "$said"
else
  skip "no systemd-analyze: the unit is not verified"
fi
check "the unit names the installed program" \
  grep -q "^ExecStart=$tmp/usr/bin/tipwright run " "$tmp/elsewhere/lib/systemd/system/tipwright@.service"
finish
