#!/usr/bin/env bash
# Training as a laboratory does it: killed at any moment and resumed to the same file to the byte,
# figures reproduced, scores kept, a search in parts, networks side by side.
. "$(dirname "$0")/common.bash"

data=$tmp/data
mkdir -p "$data"
"$programs/labelled_stripes" "$data" || { not_ok "pictures to train on"; finish; }
cat >"$tmp/small.yaml" <<'YAML'
layers:
  - conv: {units: 8, kernel: 3, stride: 2, causal: true}
  - norm
  - relu
  - prefix_pool
  - gru: 12
  - conv: {units: 6, kernel: 1, causal: true}
training:
  rows: 16
  cols: 16
  scaling: frozen
  planes: [height, roughness, step, seen, turn]
  rising: [0, 0, 0, 0, 2, 0]
  rate: 0.02
  batch: 8
  epochs: 12
  averaging: 0.9
  mixup: 0.1
  streaks: 0.1
YAML
train=("$tipwright" train --labels "$data/labels.csv" --images "$data/images"
  --architecture "$tmp/small.yaml")

check_exit 0 "a training that runs through" "${train[@]}" --folds 3 --output "$tmp/through.tipnn" \
  --history "$tmp/history.csv" --curves "$tmp/curves.png" --save-scores "$tmp/scores.csv" \
  --figures "$tmp/figures.json"
check "its history has every epoch" [ "$(wc -l <"$tmp/history.csv")" -eq $((1 + 4 * 12)) ]
check "its curves are a picture" [ "$(head -c 4 "$tmp/curves.png" | tail -c 3)" = PNG ]
check "no checkpoint is left" [ -z "$(find "$tmp" -name '*.checkpoint.*')" ]
area=$(sed -n 's/.*; mean \(0\.[0-9]*\)$/\1/p' "$tmp/out")
figure "mean ROC area on left-out recordings: $area"
check "it has learned" awk -v area="$area" 'BEGIN { exit !(area > 0.8) }'

# A detector of tip changes whose word on left-out frames, made up here, is the truth.
truth() {
  awk -F, -v column="$(head -n 1 "$data/labels.csv" | tr , '\n' | grep -n '^tip_change$' | cut -d: -f1)" '
    NR == 1 { print "image,event@16,event@24,event@32,event@48,event@64,event@96,event@128"; next }
    { e = $column >= .5 ? 15 : -15; print $1 "," e "," e "," e "," e "," e "," e "," e }' "$data/labels.csv"
}
truth >"$tmp/events.csv"
events=("${train[@]}" --folds 3 --epochs 2 --events "$root/nn/models/tip-change.tipev" --event-weight 5
  --output "$tmp/events.tipnn" --event-scores)
check_exit 0 "a training that listens to a detector" "${events[@]}" "$tmp/events.csv"
check "which knows the tip changes" grep -q '^tip_change  *1\.000' "$tmp/out"
"$tipwright" model show "$tmp/events.tipnn" >"$tmp/out"
check "the model carries it" grep -q '^detector of tip changes: 5 times' "$tmp/out"
sed 3d "$tmp/events.csv" >"$tmp/fewer.csv"
check_exit 1 "a frame without the detector's word" "${events[@]}" "$tmp/fewer.csv"
sed 3p "$tmp/events.csv" >"$tmp/twice.csv"
check_exit 1 "a frame with two" "${events[@]}" "$tmp/twice.csv"

# Weights to begin with, and fewer pictures to learn from.
sed '2,$s/,r\([0-9]\),/,first\1,/' "$data/labels.csv" >"$tmp/first.csv"
first=("${train[@]}" --labels "$tmp/first.csv" --folds 0 --output)
check_exit 0 "a first training" "${first[@]}" "$tmp/first.tipnn"
short=("${train[@]}" --folds 3 --epochs 2 --limit 12 --rate 0.005)
check_exit 0 "a second that begins with its weights" "${short[@]}" --from "$tmp/first.tipnn" \
  --output "$tmp/second.tipnn" --figures "$tmp/second.json"
after=$(sed -n 's/.*; mean \(0\.[0-9]*\)$/\1/p' "$tmp/out")
check_exit 0 "the same with random ones" "${short[@]}" --output "$tmp/random.tipnn"
alone=$(sed -n 's/.*; mean \(0\.[0-9]*\)$/\1/p' "$tmp/out")
figure "two epochs on 12 pictures: $alone, after another training $after"
check "it knows more" awk -v a="$after" -v b="$alone" 'BEGIN { exit !(a > b + 0.1) }'
"$tipwright" model show "$tmp/second.tipnn" >"$tmp/out"
hash=$("$tipwright" model show "$tmp/first.tipnn" | sed -n 's/^model //p')
check "its note names the first" grep -q "from model $hash" "$tmp/out"
check "and its recordings are those of both" [ "$(grep -aoE '^(first|r)[0-5]$' "$tmp/second.tipnn" |
  sort -u | wc -l)" -ge 10 ]
again=("$tipwright" train --labels "$data/labels.csv" --images "$data/images" --reproduce
  --figures "$tmp/second.json" --output "$tmp/again.tipnn")
check_exit 0 "its figures come out again" "${again[@]}" --from "$tmp/first.tipnn"
check "to the same model" cmp "$tmp/second.tipnn" "$tmp/again.tipnn"
check_exit 1 "but not without the first" "${again[@]}"
check_exit 1 "nor with another" "${again[@]}" --from "$tmp/random.tipnn"
check_exit 1 "folds of what the first has learned from" "${first[@]}" "$tmp/third.tipnn" \
  --from "$tmp/first.tipnn" --folds 3
check "tell nothing" grep -q 'has learned from recording first' "$tmp/err"
check_exit 1 "another architecture" "${train[@]}" --folds 3 --architecture h-si-100 \
  --from "$tmp/first.tipnn" --output "$tmp/third.tipnn"

# A further set, of other recordings, that no fold leaves out.
mkdir -p "$tmp/also"
ln -s "$data/images" "$tmp/also/images"
sed '2,$s/,r\([0-9]\),/,drawn\1,/' "$data/labels.csv" >"$tmp/also/labels.csv"
longer=("${short[@]}" --epochs 6 --rate 0.02)
check_exit 0 "longer on 12 pictures" "${longer[@]}" --output "$tmp/random.tipnn"
alone=$(sed -n 's/.*; mean \(0\.[0-9]*\)$/\1/p' "$tmp/out")
besides=("${longer[@]}" --set also_share=0.85 --output)
check_exit 0 "the same with a further set" "${besides[@]}" "$tmp/besides.tipnn" \
  --also "$tmp/also" --figures "$tmp/besides.json"
both=$(sed -n 's/.*; mean \(0\.[0-9]*\)$/\1/p' "$tmp/out")
figure "six epochs on 12 pictures: $alone, with a further set $both"
check "it knows more" awk -v a="$both" -v b="$alone" 'BEGIN { exit !(a > b + 0.1) }'
check "figures are of none of it" grep -q ': 72 finished frames of 6 recordings' "$tmp/out"
"$tipwright" model show "$tmp/besides.tipnn" >"$tmp/out"
check "its note names the set" grep -q 'also 72 pictures of 6 recordings (drawn0' "$tmp/out"
again=("$tipwright" train --labels "$data/labels.csv" --images "$data/images" --reproduce
  --figures "$tmp/besides.json" --output "$tmp/again.tipnn")
check_exit 0 "its figures come out again" "${again[@]}" --also "$tmp/also"
check "to the same model" cmp "$tmp/besides.tipnn" "$tmp/again.tipnn"
check_exit 1 "but not without the set" "${again[@]}"
sed -i '2s/0$/1/' "$tmp/also/labels.csv"
"${again[@]}" --also "$tmp/also" >"$tmp/out" 2>"$tmp/err" </dev/null
check "another is told of" grep -q 'not the same pictures' "$tmp/err"
check_exit 1 "a further set of recordings left out" "${besides[@]}" "$tmp/none.tipnn" --also "$data"
check "tells nothing" grep -q 'recording r[0-9] is also in' "$tmp/err"

# The learning curve: the same trainings in pieces, once each.
curve=("${train[@]}" --folds 3 --validate 2 --sizes "8:3,all:2:2" --seeds 2 --from "$tmp/first.tipnn" --threads 2)
check_exit 0 "a learning curve" "${curve[@]}" --results "$tmp/curve.csv" --curves "$tmp/curve.png"
cp "$tmp/out" "$tmp/curve.txt"
check "has every size, start and seed" [ "$(wc -l <"$tmp/curve.csv")" -eq $((1 + 2 * 2 * 2)) ]
check "all being the other folds' pictures" [ "$(grep -c '^2,48,2,' "$tmp/curve.csv")" -eq 4 ]
check "is a picture" [ "$(head -c 4 "$tmp/curve.png" | tail -c 3)" = PNG ]
# shellcheck disable=SC2317 # called by check
start_helps() {
  awk -F, '$2 == 8 && $4 == "random" { alone += $6 } $2 == 8 && $4 != "random" { after += $6 }
    END { exit !(after > alone + 0.2) }' "$1"
}
check "the start is worth something" start_helps "$tmp/curve.csv"
printf '%s' "$(head -n 3 "$tmp/curve.csv" | head -c -3)" >"$tmp/broken.csv"
mv "$tmp/broken.csv" "$tmp/curve.csv"
check_exit 2 "is not written over" "${curve[@]}" --results "$tmp/curve.csv"
check_exit 0 "goes on after an interruption" "${curve[@]}" --results "$tmp/curve.csv" --resume
check "to the same end" diff "$tmp/curve.txt" "$tmp/out"
check_exit 2 "sizes that are none" "${curve[@]}" --sizes 8,all --results "$tmp/none.csv"

# Killed after anything from nothing to a second, until it ends by itself.
kills=0
for ((attempt = 0; attempt < 200; attempt++)); do
  "${train[@]}" --folds 3 --threads 2 --output "$tmp/killed.tipnn" --resume \
    >"$tmp/out" 2>"$tmp/err" </dev/null &
  pid=$!
  ms=$((RANDOM % 400 + 10 * attempt))
  sleep "$((ms / 1000)).$(printf '%03d' $((ms % 1000)))"
  kill -KILL $pid 2>/dev/null && kills=$((kills + 1))
  wait $pid 2>/dev/null && break
done
figure "killed $kills times before it ended by itself"
check "killed at least once" [ "$kills" -gt 0 ]
check "resumed to the same model, byte for byte" cmp "$tmp/through.tipnn" "$tmp/killed.tipnn"

check_exit 0 "figures come out again" "${train[@]}" --reproduce --figures "$tmp/figures.json" \
  --output "$tmp/again.tipnn" --threads 2
check "to the same model" cmp "$tmp/through.tipnn" "$tmp/again.tipnn"
sed 's|\(mean/roc_area/128": \[\)|\1\n0.01,0.0,0.02],"x": [|' "$tmp/figures.json" >"$tmp/wrong.json"
check_exit 1 "figures that do not are told" "${train[@]}" --reproduce \
  --figures "$tmp/wrong.json" --output "$tmp/again.tipnn" --threads 2
check "with the one that is outside" grep -q 'mean/roc_area/128 .*OUTSIDE' "$tmp/out"
check_exit 0 "kept scores give a report without a model" "$tipwright" eval \
  --scores "$tmp/scores.csv"

check_exit 0 "the folds' networks, one per label" "${train[@]}" --folds 2 --one-per-label \
  --fold-members --epochs 2 --threads 2 --output "$tmp/twelve.tipnn"
check_exit 0 "twelve networks judge as one" "$tipwright" classify --model "$tmp/twelve.tipnn" \
  "$data/images/r0--0.png"
check_exit 0 "three that vote, stopped early" "${train[@]}" --folds 3 --members 3 --vote \
  --set patience=2 --epochs 6 --threads 2 --output "$tmp/vote.tipnn" --history "$tmp/vote.csv"
check_exit 0 "and judge" "$tipwright" classify --model "$tmp/vote.tipnn" "$data/images/r0--1.png"
check_exit 0 "one fold alone" "${train[@]}" --folds 3 --validate 2 --epochs 2 \
  --output "$tmp/one.tipnn"

printf 'rate: [0.0001, 0.02]\nclip: [0, 1]\n' >"$tmp/grid.yaml"
search=("${train[@]}" --search "$tmp/grid.yaml" --folds 2 --inner 2 --epochs 3 --threads 2)
check_exit 0 "a search in one piece" "${search[@]}" --results "$tmp/whole.csv"
cp "$tmp/out" "$tmp/whole.txt"
check_exit 0 "the first half of it" "${search[@]}" --results "$tmp/half1.csv" --shard 1/2
check_exit 0 "the second half" "${search[@]}" --results "$tmp/half2.csv" --shard 2/2
check_exit 0 "both halves" "${search[@]}" --results "$tmp/half1.csv" --resume \
  --merge "$tmp/half2.csv"
check "find what the whole found" diff "$tmp/whole.txt" "$tmp/out"
check_exit 2 "a table that is there is not written over" "${search[@]}" --results "$tmp/whole.csv"
printf 'rate: [0.0001, fast]\n' >"$tmp/wrong.yaml"
check_exit 2 "a grid with a mistake" "${train[@]}" --search "$tmp/wrong.yaml" --folds 2 \
  --results "$tmp/none.csv"
check "is shown where it is" grep -q "wrong.yaml:1:16: error: 'rate' is a number" "$tmp/err"
check_exit 2 "a setting that is none" "${train[@]}" --set speed=9 --output "$tmp/none.tipnn"
"$tipwright" train --settings >"$tmp/settings"
check "docs/training.md has the settings as they are" diff "$tmp/settings" \
  <(sed -n '/^setting  /,/^```$/p' "$root/docs/training.md" | sed '$d')
finish
