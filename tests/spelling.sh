#!/usr/bin/env bash
# Spelling in code and documents; what is right here is in .typos.toml. The program is installed by name into
# .test-tools, which git ignores.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

typos=typos==1.52.0
tools=$PWD/.test-tools/spelling

if [ "$(cat "$tools/installed" 2>/dev/null)" != "$typos" ]; then
    rm -rf "$tools"
    mkdir -p "$tools"
    python3 -m venv "$tools/python"
    "$tools/python/bin/pip" install --quiet "$typos"
    echo "$typos" >"$tools/installed"
fi
"$tools/python/bin/typos"
