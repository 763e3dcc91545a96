#!/usr/bin/env bash
# Sets of simulated images: files and tables as a real set has them, the same whatever the threads,
# and their statistics against real images by the outside tool, where it and they are here.
. "$(dirname "$0")/common.bash"

check_exit 0 "60 images with labels" "$tipwright" sim --images 60 --labels --out "$tmp/a" --seed 4
check_exit 0 "the same by three threads" "$tipwright" sim --images 60 --labels --out "$tmp/b" \
  --seed 4 --jobs 3
check "are the same files" diff -rq "$tmp/a" "$tmp/b"
check_exit 0 "another seed" "$tipwright" sim --images 3 --labels --out "$tmp/c" --seed 5
check "gives other images" bash -c "! cmp -s <(cat $tmp/a/images/*-001--1_1.png) \
  <(cat $tmp/c/images/*-001--1_1.png)"

columns=image,recording,run,cycle,width_px,height_px,responses,asymmetries,individual_atoms
columns+=,dimers,rows,tip_change,bad_blurry,mean_agreement
check "labels have the columns of the real set" test "$(head -n 1 "$tmp/a/labels.csv")" = "$columns"
check "and a line per image" diff <(tail -n +2 "$tmp/a/labels.csv" | cut -d, -f1 | sort) \
  <(cd "$tmp/a/images" && printf '%s\n' *.png | sort)
if [ -e "$shared/data/labelled/labels.csv" ]; then
  check "which the real set has indeed" test \
    "$(head -n 1 "$shared/data/labelled/labels.csv" | tr -d '\r')" = "$columns"
else
  skip "no labelled images in ../shared/data/labelled"
fi
sizes() {
  local name
  while IFS=, read -r name _ _ _ width height _; do
    printf '%s %s %s\n' "$width" "$height" "$(od -An -tu1 -j16 -N8 "$tmp/a/images/$name" |
      awk '{ print $3 * 256 + $4, $7 * 256 + $8 }')"
  done < <(tail -n +2 "$tmp/a/labels.csv")
}
check "sizes are those of the pictures" test -z "$(sizes | awk '$1 != $3 || $2 != $4')"
# shellcheck disable=SC2016
check "scores are means of votes" awk -F, 'NR > 1 { for (i = 8; i <= 13; i++) {
  v = $i * $7; if (v < 0 || v > $7 || v - int(v + .01) > .01) exit 1 } }' "$tmp/a/labels.csv"
# shellcheck disable=SC2016
check "cycles of a run follow each other" awk -F, 'NR > 1 {
  if ($4 != 1 && ($4 != cycle + 1 || $2 $3 != run)) exit 1; cycle = $4; run = $2 $3 }' \
  "$tmp/a/labels.csv"
check_exit 0 "the network reads them" "$tipwright" classify "$tmp"/a/images/*-001--1_*.png

check_exit 2 "no folder, no images" "$tipwright" sim --images 3
check_exit 2 "none is too few" "$tipwright" sim --images 0 --out "$tmp/d"
check_exit 2 "no such tip" "$tipwright" sim --images 3 --out "$tmp/d" --start golden
check_exit 1 "a folder that cannot be" "$tipwright" sim --images 3 --out "$tmp/no/where"

# One class against its real images: 570 confident frames of dimers.
tool=$shared/tools/image_statistics.py
python=$(for p in /usr/bin/python3 python3; do
  "$p" -c 'import numpy, PIL' 2>/dev/null && { echo "$p"; break; }
done)
if [ ! -e "$tool" ] || [ -z "$python" ]; then
  skip "no outside tool, or no python3 with numpy and Pillow"
  finish
fi
check_exit 0 "70 frames of a dimer tip" "$tipwright" sim --images 70 --labels --out "$tmp/e" \
  --start dimer --points 300 --jobs 2
# About as many real ones, every tenth, so that the tool is done in seconds.
mkdir "$tmp/real"
real=$shared/data/labelled
awk -F, 'NR > 1 && $5 == 300 && $6 == 300 && $10 >= .99 && $8 < .5 && $9 < .5 && $11 < .5 &&
  $12 < .5 && $13 < .34 && n++ % 10 == 0 { print $1 }' "$real/labels.csv" |
  while read -r name; do ln -s "$real/images/$name" "$tmp/real/$name"; done
check_exit 0 "statistics of real frames" "$python" "$tool" "$tmp/real" \
  --labels "$real/labels.csv" --csv "$tmp/real.csv" --jobs 2
check_exit 0 "simulated beside real" "$python" "$tool" "$tmp/e/images" \
  --labels "$tmp/e/labels.csv" --compare "$tmp/real.csv" --jobs 2
read -r statistics near auc < <(awk '/^== Dimers/ { on = 1 } /^== / && !/Dimers/ { on = 0 }
  on && / KS / { n++; near += $NF <= .35 } on && /two-sample AUC/ { auc = $NF }
  END { print n, near, auc }' "$tmp/out")
figure "dimers: $near of $statistics statistics within KS .35, two-sample AUC $auc"
check "17 statistics are compared" test "$statistics" -eq 17
check "14 of them lie near" test "$near" -ge 14
check "a linear test hardly tells them apart" awk "BEGIN { exit !($auc <= .85) }"

finish
