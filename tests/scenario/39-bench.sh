#!/usr/bin/env bash
# `tipwright bench` with peers whose times are known, without, and with peers that misbehave.
. "$(dirname "$0")/common.bash"

peers=$tmp/peers
mkdir -p "$peers"
cat >"$peers/onnxruntime" <<'SH'
#!/bin/sh
[ "$1 $2 $3" = 'judge B 1' ] || exit 1
echo ready
while read -r verb calls; do
  [ "$verb" = run ] && [ "$calls" -gt 0 ] && echo 1000
done
SH
chmod +x "$peers/onnxruntime"

bench() { "$tipwright" bench "$@" 2>"$tmp/err"; }

if bench nn --case 'B, batch 1' --peers "$peers" --json >"$tmp/json" &&
  python3 - "$tmp/json" <<'PY'; then
import json, sys
(row,) = json.load(open(sys.argv[1]))["ratios"]
assert sorted(row) == ["case", "goal", "high", "low", "peer", "ratio"], row
assert (row["case"], row["peer"], row["goal"]) == ("B, batch 1", "onnxruntime", 2.2), row
assert 1 < row["low"] <= row["ratio"] <= row["high"], row
PY
  ok "ratios of a peer that takes a second"
else
  not_ok "ratios of a peer that takes a second: $(cat "$tmp/json" "$tmp/err")"
fi

if bench nn --case 'B, batch 1' >"$tmp/out" && grep -q 'onnxruntime *absent' "$tmp/out"; then
  ok "without peers ours is timed alone"
else
  not_ok "without peers ours is timed alone: $(cat "$tmp/out" "$tmp/err")"
fi

printf '#!/bin/sh\necho ready\nread -r line\n' >"$peers/onnxruntime"
bench nn --case 'B, batch 1' --peers "$peers" --json >"$tmp/json"
if [ $? -eq 1 ] && grep -q 'onnxruntime stopped' "$tmp/err" && python3 -m json.tool "$tmp/json" >"$tmp/out"; then
  ok "a peer that goes away is told, and what is printed stays JSON"
else
  not_ok "a peer that goes away is told: $(cat "$tmp/json" "$tmp/err")"
fi

check_exit 2 "too few rounds" "$tipwright" bench nn --rounds 4
check_exit 2 "nothing to time" "$tipwright" bench
finish
