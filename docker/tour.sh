#!/bin/sh
# In prod a clone of the schema beside it, in dev rows of the model.
set -eu
here=$(dirname "$0")
psql -X -v ON_ERROR_STOP=1 ${OPTIONS:+-v "options=$OPTIONS"} -f "$here/clone.sql" "$PROD"
psql -X -v ON_ERROR_STOP=1 -f "$here/generate.sql" "$DEV"
