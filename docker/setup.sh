#!/bin/sh
# What the tour stands on: PROD and DEV are URLs, MODELS a folder. Run twice it does no harm.
set -eu
python -m dbsynth.demo.fill "$PROD"
dbsynth install-sql "$PROD"
dbsynth install-sql "$DEV"
# Production is read once; who has the model needs it no more.
# shellcheck disable=SC2086  # LEARNING: options, or nothing
[ -e "$MODELS/shop" ] || dbsynth train "$PROD" --out "$MODELS/shop" --seed 1 --effort quick ${LEARNING:-}
