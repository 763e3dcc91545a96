# What every scenario starts with: `. "$(dirname "$0")/common.bash"`.
#
# Gives $tipwright (the program under test, $TIPWRIGHT or the release build's), $programs (the
# folder of the test programs), $root, $here, $shared (recordings and labelled images, may be
# missing), $tmp (removed at the end, with every process started here).
# shellcheck shell=bash disable=SC2034,SC2317
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
shared=$(cd "$root/.." && pwd)/shared
tipwright=${TIPWRIGHT:-$root/build/release/agent/tipwright}
programs=$(dirname "$(dirname "$tipwright")")/tests
# One thread per process: the processes are the parallel part.
export OPENBLAS_NUM_THREADS=1

for program in "$tipwright" "$programs/fixed_model" "$programs/logging_microscope"; do
  [ -x "$program" ] || { echo "not ok - $program is not built"; exit 1; }
done
# Short, because the path of an ipc:// endpoint has about a hundred characters at most.
tmp=$(mktemp -d "${TMPDIR:-/tmp}/tw-XXXXXX")

bad=0
ok() { echo "ok - $*"; }
not_ok() { echo "not ok - $*"; bad=$((bad + 1)); }
skip() { echo "skip - $*"; }
figure() { echo "figure - $*"; }

# check WHAT COMMAND...: ok when the command succeeds.
check() {
  local what=$1
  shift
  if "$@"; then ok "$what"; else not_ok "$what"; fi
}

# check_exit CODE WHAT COMMAND...: ok when it ends with this exit status; its words go to $tmp/out
# and $tmp/err.
check_exit() {
  local wanted=$1 what=$2 code
  shift 2
  timeout 60 "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
  code=$?
  if [ $code -eq "$wanted" ]; then
    ok "$what"
  else
    not_ok "$what (exit $code, not $wanted): $(head -c 300 "$tmp/err")"
  fi
}

# Processes in the background, each with all its children in a group of its own.
groups=() lanes=()
start() {
  setsid "$@" &
  started=$!
  groups+=("$started")
}
end_groups() {
  local pid
  for pid in "${groups[@]}"; do kill -KILL -- "-$pid"; done 2>/dev/null
}
end_all() {
  [ ${#lanes[@]} -gt 0 ] && kill -TERM "${lanes[@]}" 2>/dev/null
  end_groups
  wait 2>/dev/null
  rm -rf "$tmp"
}
trap end_all EXIT
trap 'exit 130' INT TERM

# lane COMMAND...: beside what comes next; at most two at a time, as a test machine may have no more
# cores. What it prints comes out at the end of lanes_done, in the order of the lanes.
lane() {
  while [ "$(jobs -rp | wc -l)" -ge 2 ]; do wait -n; done
  (
    groups=()
    trap end_groups EXIT
    trap 'exit 130' INT TERM
    "$@"
  ) >"$tmp/lane.${#lanes[@]}" &
  lanes+=("$!")
}
lanes_done() {
  local i
  [ ${#lanes[@]} -gt 0 ] || return 0
  wait "${lanes[@]}"
  for i in "${!lanes[@]}"; do cat "$tmp/lane.$i"; done
  bad=$((bad + $(cat "$tmp"/lane.* | grep -c '^not ok - ')))
  lanes=()
}

# guarded SECONDS COMMAND...: in the foreground, in its own group, with an end.
guarded() {
  local seconds=$1
  shift
  start timeout "$seconds" "$@"
  wait "$started" || bad=$((bad + 1))
}

# until_true SECONDS COMMAND...: ask again and again; false when the time is over.
until_true() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    [ $SECONDS -lt $end ] || return 1
    sleep 0.05
  done
}

# ended_by SECONDS PID: wait for a child; $code is its exit status, 124 when it had to be killed.
ended_by() {
  local end=$((SECONDS + $1)) pid=$2
  while kill -0 "$pid" 2>/dev/null && [ $SECONDS -lt $end ]; do sleep 0.02; done
  if kill -0 "$pid" 2>/dev/null; then
    kill -KILL -- "-$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
    code=124
    return 1
  fi
  wait "$pid"
  code=$?
}

# A model that always says the same six scores.
fixed_model() { "$programs/fixed_model" "$@" || not_ok "the fixed model could not be written"; }

# Endpoints of a link of its own: $link has what an agent binds, $wire what an instrument takes.
endpoints() {
  local at=$1
  mkdir -p "$at"
  link=(--data "ipc://$at/d" --command "ipc://$at/c" --console "ipc://$at/o" --feed "ipc://$at/f")
  wire=(--data "ipc://$at/d" --command "ipc://$at/c")
  console=(--console "ipc://$at/o" --feed "ipc://$at/f")
}

finish() { exit $((bad > 0)); }
