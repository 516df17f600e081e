#!/bin/sh
# Runs its arguments with Python 3.11 or newer: $PYTHON if set, else the first usable one of the list below.
# A launcher that fails (such as the shim of a version manager) is skipped.
set -eu

new_enough() {
    "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

if [ -n "${PYTHON:-}" ]; then
    new_enough "$PYTHON" && exec "$PYTHON" "$@"
    echo "PYTHON=$PYTHON does not work here: Python 3.11 or newer with venv and ensurepip is needed." >&2
    exit 2
fi
# The oldest supported version comes first: code for it also runs on newer ones.
for candidate in python3.11 python3.12 python3.13 python3.14 python3 python; do
    new_enough "$candidate" && exec "$candidate" "$@"
done
echo "No Python 3.11 or newer with venv and ensurepip was found." >&2
echo "Install one (Debian, Ubuntu: apt install python3 python3-venv), or set its path: make PYTHON=/path/to/python3" >&2
exit 2
