#!/usr/bin/env bash
# Recordings through real sockets: the verdict of each frame's last line is what `tipwright classify`
# says of the file, to every printed digit; and the same recordings under an acting policy give the
# same decisions, byte for byte, three times.
# shellcheck disable=SC2317
. "$(dirname "$0")/common.bash"

model=${MODEL:-$root/nn/models/h-si-100.tipnn}
[ -f "$model" ] || { skip "no trained model at $model"; finish; }
cp "$model" "$tmp/model.tipnn"
model=$tmp/model.tipnn

# Grey levels are coarse: where a picture is one grey, no agent would believe the tip in contact. Here
# the pictures are the subject, so both policies are patient with flat lines. Judging the backward
# trace as well would not change the forward trace's verdicts, but take as long again.
patient='flat_line: 1 pm\n  bad_lines: 100'
{
  cat "$root/config/policies/observe-only.yaml"
  printf 'decide:\n  judge_backward: false\nguards:\n  %b\n' "$patient"
} >"$tmp/observe.yaml"
sed "s/^  flat_line:.*/  $patient/; /^  bad_lines: 10 *\$/d
  s/judge_backward: true/judge_backward: false/" "$root/config/policies/h-si-100.yaml" >"$tmp/act.yaml"

# replay NAME POLICY RUN_OPTIONS -- PATH...: agent and replay until the last line; the record lies in
# $tmp/NAME afterwards. Words: $tmp/NAME.json (summary), $tmp/NAME.err.
replay() {
  local name=$1 policy=$2 options=() agent
  shift 2
  while [ "$1" != -- ]; do options+=("$1"); shift; done
  shift
  endpoints "$tmp/$name.link"
  start "$tipwright" run --state "$tmp/$name" --policy "$policy" --model "$model" "${link[@]}" \
    --until-lost --pictures none --json --quiet "${options[@]}" >"$tmp/$name.json" 2>"$tmp/$name.err"
  agent=$started
  if ! timeout 200 "$tipwright" replay "${wire[@]}" --quiet "$@" 2>>"$tmp/$name.err"; then
    echo "the replay failed" >>"$tmp/$name.err"
    return 1
  fi
  ended_by 20 "$agent" && [ "$code" -eq 4 ]
}

# The record's last verdict of each frame's first trace, in the order of the frames.
verdicts_of() {
  sqlite3 -readonly -list -separator , "$1/journal.sqlite" "
    SELECT printf('%.6f,%.6f,%.6f,%.6f,%.6f,%.6f', p_asymmetries, p_individual_atoms, p_dimers,
                  p_rows, p_tip_change, p_bad_blurry)
    FROM verdict WHERE id IN (SELECT max(id) FROM verdict WHERE trace = 'forward/up' GROUP BY scan)
    ORDER BY scan"
}

# same_as_classify NAME PATH...: the record in $tmp/NAME against classify on the same files.
same_as_classify() {
  local name=$1
  shift
  verdicts_of "$tmp/$name" >"$tmp/$name.live"
  "$tipwright" classify --csv --model "$model" "$@" 2>>"$tmp/$name.err" | tail -n +2 |
    sed -E 's/.*,(([^,]*,){5}[^,]*)$/\1/' >"$tmp/$name.classified"
  [ "$(wc -l <"$tmp/$name.live")" -eq $# ] && cmp "$tmp/$name.live" "$tmp/$name.classified" >&2
}

judged_as_classify() {
  local what=$1 name=$2
  shift 2
  if replay "$name" "$tmp/observe.yaml" -- "$@" && same_as_classify "$name" "$@"; then
    ok "$# $what judged through the sockets as classify judges the files"
  else
    not_ok "$# $what: $(tail -n 2 "$tmp/$name.err" | tr '\n' ' ')"
  fi
}

mapfile -t matrix < <(find "$shared/data/matrix" -name '*.Z_mtrx' 2>/dev/null | sort)
# A hundred pictures, evenly over the table, which is sorted by recording; of scans stopped early those
# that came far enough for a verdict.
mapfile -t pictures < <(tail -n +2 "$shared/data/labelled/labels.csv" 2>/dev/null |
  awk -F, '$6 * 7 >= $5 { print $1 }' | sort |
  awk -v folder="$shared/data/labelled/images/" '
    { name[NR] = $0 } END { for (i = 0; NR && i < 100; i++) print folder name[int((i + .5) * NR / 100) + 1] }')

# Three times the same pictures and recordings, with a policy that acts.
few=("${pictures[@]:0:3}" "${matrix[@]:0:1}" "${pictures[@]:45:3}" "${matrix[@]:5:1}"
  "${pictures[@]:90:3}" "${matrix[@]: -1}")
again() {
  replay "again$1" "$tmp/act.yaml" --arm -- "${few[@]}" ||
    not_ok "repeat $1: $(tail -n 2 "$tmp/again$1.err" | tr '\n' ' ')"
  "$tipwright" journal decisions "$tmp/again$1" >"$tmp/decisions$1"
}

if [ ${#pictures[@]} -lt 100 ]; then
  skip "no labelled images in ../shared/data/labelled"
else
  lane judged_as_classify "labelled images" pictures1 "${pictures[@]:0:50}"
  lane judged_as_classify "labelled images" pictures2 "${pictures[@]:50}"
fi
if [ ${#matrix[@]} -eq 0 ]; then
  skip "no recordings in ../shared/data/matrix"
else
  lane judged_as_classify "MATRIX recordings" matrix "${matrix[@]}"
fi
if [ ${#matrix[@]} -eq 0 ] || [ ${#pictures[@]} -lt 100 ]; then
  lanes_done
  finish
fi
for i in 1 2 3; do lane again $i; done
lanes_done
check "repeats of ${#few[@]} recordings give the same decisions, byte for byte" \
  cmp -s "$tmp/decisions1" "$tmp/decisions2"
check "and a third time" cmp -s "$tmp/decisions1" "$tmp/decisions3"
check "they are not empty" test -s "$tmp/decisions1"
figure "$(wc -l <"$tmp/decisions1") decisions, $("$tipwright" journal actions "$tmp/again1" | wc -l) actions, sha256 $(sha256sum <"$tmp/decisions1" | cut -c1-16)"
finish
