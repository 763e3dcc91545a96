#!/usr/bin/env bash
# ONNX: what we write runs in ONNX Runtime with the same outputs and comes back to the bit; what
# PyTorch writes runs here with the same outputs.
. "$(dirname "$0")/common.bash"

model=$root/nn/models/h-si-100.tipnn

# words_to FILE COMMAND...: what it prints goes to the file.
# shellcheck disable=SC2317
words_to() {
  local file=$1
  shift
  "$@" >"$file"
}
# Bytes, not letters, are replaced below.
export LC_ALL=C

mkdir "$tmp/small" "$tmp/shipped"
check "small networks of every kind of layer are written" "$programs/onnx_make" "$tmp/small"
for own in "$tmp"/small/*.tipnn; do
  name=$(basename "$own" .tipnn)
  check_exit 0 "$name is exported" "$tipwright" model export "$own" -o "$tmp/$name.onnx"
  check "$name is exported twice alike" cmp -s "$tmp/$name.onnx" "$tmp/small/$name.onnx"
  check_exit 0 "$name is imported" "$tipwright" model import "$tmp/$name.onnx" -o "$tmp/back.tipnn"
  check "$name is back to the bit" cmp -s "$own" "$tmp/back.tipnn"
done

check_exit 0 "the shipped model is exported" "$tipwright" model export "$model" -o "$tmp/shipped.onnx"
check_exit 0 "and imported" "$tipwright" model import "$tmp/shipped.onnx" -o "$tmp/back.tipnn"
# The self-test is made anew where a model is saved, and with it the file's name in records: what
# is exported again must differ in that name only.
check_exit 0 "and exported again" "$tipwright" model export "$tmp/back.tipnn" -o "$tmp/again.onnx"
for file in shipped again; do sed 's/[0-9a-f]\{64\}/name/' "$tmp/$file.onnx" >"$tmp/$file.nameless"; done
check "with not a bit lost" cmp -s "$tmp/shipped.nameless" "$tmp/again.nameless"
check "with outputs to compare" "$programs/onnx_make" "$tmp/shipped" "$model"

check_exit 0 "a model is shown" "$tipwright" model show "$tmp/small/network2.tipnn"
check "with its layers" grep -q '^  GRU  *8 x 8 x 1  *960$' "$tmp/out"

# Without our metadata it is a foreign file.
sed 's/tipwright\.format/tipwright.former/' "$tmp/small/network0.onnx" >"$tmp/foreign.onnx"
check_exit 1 "two names for four planes are refused" \
  "$tipwright" model import "$tmp/foreign.onnx" --planes height,turn -o "$tmp/f.tipnn"
check "with the reason" grep -q 'it reads 4 planes of 20 x 24; --planes must name as many' "$tmp/err"
check_exit 0 "a foreign file is imported" "$tipwright" model import "$tmp/foreign.onnx" \
  --planes height,step,seen,turn --scaling frozen -o "$tmp/f.tipnn"
check "and says what it reads" grep -q '^  planes   height,step,seen,turn$' "$tmp/out"
labels=tip_change,rows,dimers,bad_blurry,asymmetries
check_exit 1 "five labels for six outputs are refused" \
  "$tipwright" model import "$tmp/foreign.onnx:$labels" -o "$tmp/f.tipnn"
check_exit 0 "the order of labels can be told" \
  "$tipwright" model import "$tmp/foreign.onnx:$labels,individual_atoms" -o "$tmp/f.tipnn"
sed 's/Relu/Selu/' "$tmp/small/network0.onnx" >"$tmp/changed.onnx"
check_exit 1 "a changed graph is not taken for ours" "$tipwright" model import "$tmp/changed.onnx" \
  -o "$tmp/f.tipnn"
sed 's/Relu/Selu/' "$tmp/foreign.onnx" >"$tmp/changed.onnx"
check_exit 1 "an unknown operator is refused" "$tipwright" model import "$tmp/changed.onnx" \
  -o "$tmp/f.tipnn"
check "by name" grep -q "node 'm0.2.relu' (Selu): this operator is not supported" "$tmp/err"

# PyTorch's networks, where PyTorch and the tool that makes them are at hand.
tool=$shared/tools/reference_nets.py
if [ -f "$tool" ] && /usr/bin/python3 -c 'import torch, onnx' 2>/dev/null; then
  mkdir "$tmp/nets"
  check "PyTorch writes the reference networks" words_to "$tmp/nets.log" \
    /usr/bin/python3 "$tool" "$tmp/nets" --nets "${ONNX_NETS:-BC}"
  for net in "$tmp"/nets/*.onnx; do
    at=${net%.onnx}
    check "$(basename "$at") gives PyTorch's outputs here" words_to "$tmp/worst" \
      "$programs/onnx_judge" "$net" "${at}_input.f32" "${at}_output.f32" 8
    figure "$(basename "$at"): largest difference $(cat "$tmp/worst")"
  done
else
  skip "no PyTorch or no reference networks: foreign networks are not seen"
fi

if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
  skip "no node and npm: ONNX Runtime is not seen"
  finish
fi
modules=${ONNXRUNTIME_MODULES:-$tmp/npm}
if [ ! -d "$modules/node_modules/onnxruntime-node" ]; then
  mkdir -p "$modules"
  if ! npm --prefix "$modules" install --ignore-scripts --no-audit --no-fund \
    onnxruntime-node@1.30.0 >"$tmp/npm.log" 2>&1; then
    skip "npm cannot install onnxruntime-node: ONNX Runtime is not seen"
    finish
  fi
fi
check "ONNX Runtime gives our outputs" words_to "$tmp/checked" \
  node "$root/tests/clients/onnx_check.mjs" "$modules" "$tmp/small" "$tmp/shipped"
while read -r line; do figure "$line"; done <"$tmp/checked"
finish
