#!/usr/bin/env bash
# Whether the OpenAPI document is true: Schemathesis (PyPI) asks the real command, over scripted engines, what the document
# allows and what it does not, as a guest and with a key for everything. It fails when the service fails, when an answer is
# not what the document says, and when what the document forbids is taken. Always the same requests: the seed is fixed.
# The virtual environment is made once for each set of requirements, in the test cache. With LMAPP_TEST_COUNTS=FILE the
# counts of operations are appended there as a line of JSON.
set -uo pipefail
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
python=${PYTHON:-python3}
cache=${LMAPP_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/lmapp-test}/schemathesis
mkdir -p "$cache"
# The Node that the workspace pins.
export PATH=$root/node_modules/.bin:$PATH

hash=$({ "$python" -VV; cat requirements.txt; } | "$python" -c 'import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest()[:16])')
venv=$cache/$hash
make_venv() {
  [ ! -f "$venv/complete" ] || return 0
  rm -rf "$venv"
  "$python" -m venv "$venv" &&
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --prefer-binary -r requirements.txt &&
    touch "$venv/complete"
}
# Two runs at once would build into one folder: the second waits for the first.
exec 9>"$cache/lock"
if command -v flock >/dev/null; then flock 9; fi
make_venv || exit 1
exec 9>&-

exec node --conditions=lmapp-source main.ts "$venv"
