#!/usr/bin/env bash
# kill -9 of agent and instrument end, a thousand times, at every step of the journal: no action
# twice, none without intent, no budget grows back. KILLS=N for another number.
. "$(dirname "$0")/common.bash"

fixed_model "$tmp/model.tipnn" .05 .05 .05 .05 .05 .90
guarded 280 "$programs/kills" "$tipwright" "$programs/logging_microscope" "$tmp/model.tipnn" \
  "$here/kills.yaml" "$tmp" "${KILLS:-1000}" "${LANES:-10}"
finish
