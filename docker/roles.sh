#!/bin/sh
set -eu
for url in "$PROD" "$DEV"; do
    psql -X -q -v ON_ERROR_STOP=1 -f "$(dirname "$0")/roles.sql" "$url"
done
