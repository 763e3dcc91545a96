#!/usr/bin/env bash
# Tip changes noticed on real pictures, against lines marked by eye (nn/marks/h-si-100.csv), by
# recall within two lines and false alarms. Says nothing about pictures never seen: docs/events.md.
. "$(dirname "$0")/common.bash"

images=$shared/data/labelled/images
marks=$root/nn/marks/h-si-100.csv
[ -d "$images" ] || { skip "no labelled images in ../shared/data/labelled"; finish; }

mapfile -t marked < <(tail -n +2 "$marks" | cut -d, -f1 | sort -u)
check_exit 0 "alarms of the marked pictures" "$tipwright" classify --events "${marked[@]/#/$images/}"
cp "$tmp/out" "$tmp/alarms.csv"
check "one row per alarm" grep -qE '^[^,]+\.png,[0-9]+,[01]\.[0-9]{3}$' "$tmp/alarms.csv"

# Steps from line 10 on count; an alarm from one line before to eight after is no false one, nor is
# one near a streak or an unsure mark.
figures=$(awk -F, '
  FNR == 1 { next }
  NR == FNR { n[$1]++; first[$1, n[$1]] = $2; last[$1, n[$1]] = $3; what[$1, n[$1]] = $4; next }
  {
    excused = 0
    for (k = 1; k <= n[$1]; k++)
      if (what[$1, k] == "step") {
        if ($2 >= first[$1, k] - 1 && $2 <= first[$1, k] + 8) excused = 1
        if ($2 >= first[$1, k] - 1 && $2 <= first[$1, k] + 2) found[$1, k] = 1
      } else if ($2 >= first[$1, k] - 3 && $2 <= last[$1, k] + 5)
        excused = 1
    wrong += !excused
  }
  END {
    for (image in n) {
      pictures++
      for (k = 1; k <= n[image]; k++)
        if (what[image, k] == "step" && first[image, k] >= 10) { steps++; hits += found[image, k] }
    }
    printf "%d %d %d %d\n", steps, hits, wrong, pictures
  }' "$marks" "$tmp/alarms.csv")
read -r steps hits wrong pictures <<<"$figures"
figure "$hits of $steps steps within two lines, $wrong false alarms in $pictures pictures"
check "nine of ten marked steps are noticed within two lines" test $((10 * hits)) -ge $((9 * steps))
check "with one false alarm in ten pictures" test $((10 * wrong)) -le "$pictures"

# What was alarmed by half of the frame does not depend on the other half.
mapfile -t square < <(printf '%s\n' "${marked[@]}" | tail -n 40)
for share in 1 .5; do
  check_exit 0 "alarms with $share of the lines seen" "$tipwright" classify --events \
    --seen "$share" "${square[@]/#/$images/}"
  awk -F, 'NR > 1 && $2 < 116' "$tmp/out" >"$tmp/seen$share"
done
check "later lines change no alarm" cmp "$tmp/seen1" "$tmp/seen.5"
check "and there were some" test -s "$tmp/seen1"

# The same as JSON, one object per image, of those without alarms as well.
read_json() {
  python3 - "$@" <<'PYTHON'
import json, sys
kind, path = sys.argv[1:]
with open(path) as file:
    found = [json.loads(line) for line in file]
if kind == "images":
    print(len(found))
for one in found:
    if kind == "events":
        for event in one["events"]:
            print(f'{one["image"]},{event["line"]},{event["hazard"]:.3f}')
    elif kind == "scores":
        print(",".join([one["image"], *(f"{score:.6f}" for score in one["scores"].values())]))
PYTHON
}
check_exit 0 "alarms as JSON" "$tipwright" classify --events --json "${marked[@]/#/$images/}"
cp "$tmp/out" "$tmp/alarms.json"
check "one object per image" test "$(read_json images "$tmp/alarms.json")" -eq "${#marked[@]}"
check "with the table's alarms" cmp <(tail -n +2 "$tmp/alarms.csv") \
  <(read_json events "$tmp/alarms.json")
check_exit 0 "verdicts as JSON" "$tipwright" classify --json "$images/${square[0]}"
cp "$tmp/out" "$tmp/verdict.json"
check "with the table's scores" cmp <("$tipwright" classify "$images/${square[0]}" | tail -n 1) \
  <(read_json scores "$tmp/verdict.json")

# The detector is the model's own: another model has another one, or none.
fixed_model "$tmp/deaf.tipnn" .1 .1 .8 .1 .1 .1
check_exit 1 "a model without a detector" "$tipwright" classify --events --model "$tmp/deaf.tipnn" \
  "$images/${square[0]}"
check "is told so" grep -q 'deaf.tipnn: this model has no detector of tip changes' "$tmp/err"

finish
