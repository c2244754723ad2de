#!/usr/bin/env bash
# Draws the icons anew, by hand when make.py changed: no build needs it. Wants Python and the cairo library.
set -euo pipefail
cd "$(dirname "$0")"
venv=$(mktemp -d)
trap 'rm -rf "$venv"' EXIT
python3 -m venv "$venv"
"$venv/bin/pip" install --quiet cairosvg==2.9.1 pillow==13.0.0
"$venv/bin/python" make.py
