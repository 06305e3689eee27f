#!/usr/bin/env bash
# Public kits that test whether an API is what it says: llm-comply (PyPI; Open Responses, OpenAI's chat completions, Anthropic's
# messages) and compatcanary (npm; OpenAI's API), each against the real command, and beside them every answer of ours that
# OpenAI's and Anthropic's own documents describe, which llm-comply brings with it. What we do otherwise on purpose stands in
# known.ts with its reason; anything else that a kit finds is a failure, and so is a reason that has gone.
#
#   test/conformance/run-tests.sh [--write]      --write: writes the table of docs/api.md anew
#
# Both are installed once for each set of versions, in the test cache. With LMAPP_TEST_COUNTS=FILE the counts are appended
# there as a line of JSON.
set -uo pipefail
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
python=${PYTHON:-python3}
cache=${LMAPP_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/lmapp-test}/conformance
mkdir -p "$cache"
# The Node that the workspace pins.
export PATH=$root/node_modules/.bin:$PATH

hash=$({ "$python" -VV; cat requirements.txt package-lock.json; } | "$python" -c 'import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest()[:16])')
kits=$cache/$hash
install_kits() {
  [ ! -f "$kits/complete" ] || return 0
  rm -rf "$kits"
  "$python" -m venv "$kits/venv" &&
    "$kits/venv/bin/python" -m pip install --quiet --disable-pip-version-check --prefer-binary -r requirements.txt &&
    cp package.json package-lock.json .npmrc "$kits" &&
    (cd "$kits" && npm ci --ignore-scripts) &&
    touch "$kits/complete"
}
# Two runs at once would build into one folder: the second waits for the first.
exec 9>"$cache/lock"
if command -v flock >/dev/null; then flock 9; fi
install_kits || exit 1
exec 9>&-

exec node --conditions=lmapp-source main.ts "$kits" "$@"
