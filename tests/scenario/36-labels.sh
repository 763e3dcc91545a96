#!/usr/bin/env bash
# shellcheck disable=SC2317 # functions are reached through check and until_true
# From votes to training sets by the programs themselves: aggregation, data sets, and what operators
# said of a night's frames.
. "$(dirname "$0")/common.bash"

labels="image,recording,responses,asymmetries,individual_atoms,dimers,rows,tip_change,bad_blurry"

# ---- votes ----
cat >"$tmp/export.csv" <<'EOF'
classification_id,user_name,user_id,workflow_id,workflow_version,created_at,annotations,subject_data
1,ann,7,42,12.9,2017-07-12 09:00:00 UTC,"[{""task"":""T0"",""value"":[""Dimers"",""Rows""]}]","{""8"":{""Filename"":""s--1_1.png""}}"
2,ann,7,42,12.19,2017-07-12 09:01:00 UTC,"[{""task"":""T0"",""value"":[""Rows""]}]","{""8"":{""Filename"":""s--1_1.png""}}"
3,bob,9,42,12.19,2017-07-12 09:02:00 UTC,"[{""task"":""T0"",""value"":null}]","{""8"":{""Filename"":""s--1_1.png""}}"
EOF
check_exit 0 "an export becomes a table" "$tipwright" labels aggregate "$tmp/export.csv" \
  -o "$tmp/table.csv" --xlsx "$tmp/table.xlsx"
check "rows read, used and skipped are told" \
  grep -qE 'rows read 3, used 2' "$tmp/err"
check "and why" grep -q 'skipped 1: no question answered' "$tmp/err"
check "repeat votes are told" grep -q 'repeat votes (same person, same picture): 1, all' "$tmp/err"
check "the table has means" grep -q '^s--1_1.png,s,1,1,,,2,0,0,0.5,1,0,0,' "$tmp/table.csv"
cat >"$tmp/workbook.py" <<'EOF'
import re, sys, zipfile
book = zipfile.ZipFile(sys.argv[1])
text = lambda name: book.read(name).decode()
names = re.findall(r'<sheet name="([^"]*)"', text("xl/workbook.xml"))
shared = re.findall(r"<t[^>]*>([^<]*)</t>", text("xl/sharedStrings.xml"))
for i, name in enumerate(names, 1):
    cells = re.findall(r'<c r="([A-Z]+[0-9]+)"( t="s")?><v>([^<]*)</v>', text(f"xl/worksheets/sheet{i}.xml"))
    print(name, *(f"{at}={shared[int(v)] if s else v}" for at, s, v in cells), sep="|")
EOF
python3 "$tmp/workbook.py" "$tmp/table.xlsx" >"$tmp/workbook"
head="A1=Name|B1=No. Responses|C1=Asymmetries|D1=Individual Atoms|E1=Dimers|F1=Rows|G1=Tip Change|H1=Bad/Blurry"
cat >"$tmp/workbook.wanted" <<EOF
Mean_Score|$head|A2=s--1_1.png|B2=2|C2=0|D2=0|E2=0.5|F2=1|G2=0|H2=0
Weighted_Score|$head|A2=s--1_1.png|B2=2|C2=0|D2=0|E2=0.3333333333333333|F2=0.6666666666666666|G2=0|H2=0
Agreement_Score|$head|I1=Mean|A2=s--1_1.png|B2=2|C2=1|D2=1|E2=0|F2=1|G2=1|H2=1|I2=0.8333333333333334
EOF
check "the workbook has the seed's three sheets" cmp "$tmp/workbook" "$tmp/workbook.wanted"
check_exit 0 "the first vote of a person" "$tipwright" labels aggregate --repeat-votes first \
  "$tmp/export.csv"
check "counts alone" grep -q '^s--1_1.png,s,1,1,,,1,0,0,1,1,0,0,' "$tmp/out"
check_exit 0 "one version of the workflow" "$tipwright" labels aggregate --version 12.10-12.19 \
  "$tmp/export.csv"
check "12.9 is before 12.10" grep -q '^s--1_1.png,s,1,1,,,1,0,0,0,1,0,0,' "$tmp/out"
printf 'caf\xe9\n' >>"$tmp/export.csv"
check_exit 1 "a file that is not UTF-8 is refused" "$tipwright" labels aggregate "$tmp/export.csv"
check "with the line" grep -q 'line 5: not UTF-8; --latin-1' "$tmp/err"
check_exit 0 "or read as Latin-1" "$tipwright" labels aggregate --latin-1 "$tmp/export.csv"
check_exit 1 "no picture left is no success" "$tipwright" labels aggregate --latin-1 \
  --workflow 43 "$tmp/export.csv"
check_exit 2 "the seed's numbers go with no choice of votes" "$tipwright" labels aggregate \
  --compat big-data-helper --min-votes 2 "$tmp/export.csv"

# ---- corrections of a night ----
fixed_model "$tmp/model.tipnn" .05 .05 .05 .05 .05 .90
endpoints "$tmp/link"
start "$tipwright" run --state "$tmp/night" --model "$tmp/model.tipnn" "${link[@]}" --quiet \
  2>"$tmp/run.err"
agent=$started
start "$tipwright" sim --lines 32 --points 32 --time-scale 200 "${wire[@]}" --quiet 2>"$tmp/sim.err"
sim=$started
judge() { timeout 20 "$tipwright" judge "$@" "${console[@]:0:2}" >"$tmp/judge.out" 2>"$tmp/judge.err"; }
check "the last frame is corrected" until_true 30 judge last dimers=yes bad_blurry=no
kept=$(sed -nE 's/.*(frames\/plain\/[^:]*):.*/\1/p' "$tmp/judge.out")
check "the answer says which it was" test -s "$tmp/night/$kept"
frame=$(sed -nE 's/^judge: ([0-9]+_[0-9]+) (up|down),.*/\1 \2/p' "$tmp/judge.out")
# shellcheck disable=SC2086 # two words
check "and by its name, once more" judge $frame rows=yes
check_exit 6 "a frame that was not" "$tipwright" judge 9999_1 dimers=yes "${console[@]:0:2}"
check_exit 6 "a label that is none" "$tipwright" judge dimmers=yes "${console[@]:0:2}"
check_exit 2 "nothing said" "$tipwright" judge last "${console[@]:0:2}"
printf 'judge last asymmetries=yes\n' | timeout 20 "$tipwright" console "${console[@]}" >/dev/null 2>&1
kill -INT "$agent"
ended_by 20 "$agent"
kill -TERM "$sim" 2>/dev/null
check "corrections stand among the events" \
  test "$("$tipwright" journal events "$tmp/night" | grep -c ' judge by operator:')" -eq 3
check_exit 0 "a night's corrections become labels" "$tipwright" labels from-night "$tmp/night" \
  -o "$tmp/set"
check "three read, one added to another" grep -q '1 by the same person on the same frame' "$tmp/err"
one=$(grep -F -- "--${kept##*/}," "$tmp/set/labels.csv")
check "as said where said, as seen where not" grep -q ',32,32,1,[01],0,1,1,0,0,' <<<"$one"
check "each with its picture" test -s "$tmp/set/images/${one%%,*}"
check_exit 1 "a night without corrections gives none" "$tipwright" labels from-night \
  --night 7 "$tmp/night" -o "$tmp/none"

# ---- data sets ----
check_exit 0 "corrections are a data set" "$tipwright" dataset export --labels "$tmp/set/labels.csv" \
  --images "$tmp/set/images" --size 16 -o "$tmp/exported"
check "pictures and labels, for MATLAB and NumPy" \
  test -s "$tmp/exported.mat" -a -s "$tmp/exported_u8.npy" -a -s "$tmp/exported_labels.npy"
check_exit 1 "one recording cannot be split" "$tipwright" dataset build \
  --labels "$tmp/set/labels.csv" --images "$tmp/set/images" --size 16 -o "$tmp/built"
check_exit 0 "unless nothing is to be tested" "$tipwright" dataset build --test-share 0 \
  --labels "$tmp/set/labels.csv" --images "$tmp/set/images" --size 16 -o "$tmp/built"
check_exit 1 "a picture that is missing is told" "$tipwright" dataset export \
  --labels "$tmp/set/labels.csv" --images "$tmp" --size 16 -o "$tmp/exported"

# ---- what was measured by others ----
if [ -d "$shared/data/zooniverse" ]; then
  start_s=$SECONDS
  check_exit 0 "the public table's export" "$tipwright" labels aggregate \
    "$shared/data/zooniverse/classifications.csv" -o "$tmp/public.csv"
  # shellcheck disable=SC2016
  worst=$(paste -d, <(cut -d, -f1-13 "$shared/data/labelled/labels.csv") \
    <(cut -d, -f1-13 "$tmp/public.csv") | tail -n +2 |
    awk -F, '{ if ($1 != $14 || $2 != $15) bad++
               for (i = 3; i <= 13; i++) { d = $i - $(i + 13); if (d < 0) d = -d; if (d > m) m = d } }
             END { printf "%d %s %g", NR, bad ? "other rows" : "same", m }')
  figure "rows, names, largest difference from the public table: $worst"
  # shellcheck disable=SC2016
  check "equals the public table to 1e-6" \
    awk '{ exit !($1 == 2954 && $2 == "same" && $3 < 1e-6) }' <<<"$worst"
  check_exit 0 "the seed's way of counting" "$tipwright" labels aggregate --compat big-data-helper \
    "$shared/data/zooniverse/classifications.csv" -o "$tmp/seed.csv"
  check "has the same means" cmp -s <(cut -d, -f1-13 "$tmp/public.csv") <(cut -d, -f1-13 "$tmp/seed.csv")
  check_exit 0 "another project's export is read" "$tipwright" labels aggregate \
    "$shared/data/zooniverse/kenya-sample.csv"
  check "with reasons" grep -q 'skipped 1992: no label among the answers' "$tmp/err"
  figure "aggregated in $((SECONDS - start_s)) s"
else
  skip "no ../shared/data/zooniverse: the public table is not compared"
fi
if [ -d "$shared/data/matrix/srsml24" ]; then
  { echo "$labels"; echo "default_2011Mar10-162902_STM-STM_Spectroscopy--1_3.png,a,1,0,0,1,0,0,0"; } \
    >"$tmp/matrix.csv"
  check_exit 0 "recordings as they are" "$tipwright" dataset export --labels "$tmp/matrix.csv" \
    --matrix "$shared/data/matrix/srsml24" --size 64 -o "$tmp/matrix" --format npy
  check "are pictures, too" test "$(stat -c %s "$tmp/matrix_u8.npy")" -eq $((128 + 64 * 64))
else
  skip "no ../shared/data/matrix: no data set from recordings"
fi
finish
