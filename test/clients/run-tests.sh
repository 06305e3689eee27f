#!/usr/bin/env bash
# Runs the clients of other APIs, unmodified, against the real command: those of npm from the lock beside this file, those
# of PyPI in two virtual environments (two of them want different versions of a third), which are made once for each set of
# requirements, in the test cache. What each client did goes to results.json and must be what docs/api.md says.
#
#   test/clients/run-tests.sh [--write] [FILE…]      --write: writes the table of docs/api.md anew
#
# With LMAPP_TEST_COUNTS=FILE the counts of the run are appended there, as lines of JSON.
set -uo pipefail
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python=${PYTHON:-python3}
cache=${LMAPP_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/lmapp-test}
mkdir -p "$cache"

write=
if [ "${1:-}" = --write ]; then
  write=--write
  shift
fi
if [ $# -gt 0 ]; then tests=("$@"); else tests=(*.test.ts); fi

# The Node that the workspace pins.
export PATH=$root/node_modules/.bin:$PATH
"$root/scripts/install-engines.sh" model >&2 || exit 1

# Two runs at once would install into one folder: the second waits for the first.
exec 9>"$cache/clients.lock"
if command -v flock >/dev/null; then flock 9; fi
if ! cmp -s package-lock.json node_modules/.installed; then
  npm ci && cp package-lock.json node_modules/.installed || exit 1
fi
make_venv() {
  local requirements=requirements-$1.txt hash venv
  hash=$({ "$python" -VV; cat "$requirements"; } | "$python" -c 'import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest()[:16])')
  venv=$cache/clients-$1-$hash
  if [ ! -f "$venv/complete" ]; then
    rm -rf "$venv"
    "$python" -m venv "$venv" &&
      "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --prefer-binary -r "$requirements" &&
      touch "$venv/complete" || return 1
  fi
  echo "$venv"
}
LMAPP_CLIENTS_SDKS=$(make_venv sdks) && LMAPP_CLIENTS_LITELLM=$(make_venv litellm) || exit 1
exec 9>&-

export LMAPP_CLIENTS_SDKS LMAPP_CLIENTS_LITELLM LMAPP_CLIENT_RESULTS=$work/results
export LMAPP_TEST=1 PYTHONDONTWRITEBYTECODE=1 TMPDIR=$work
run() {
  node --conditions=lmapp-source --test --test-concurrency=2 --test-timeout=60000 \
    --test-reporter=spec --test-reporter-destination=stdout \
    --test-reporter="$root/scripts/count-reporter.ts" --test-reporter-destination="$work/counts" "$@"
  local status=$?
  [ -z "${LMAPP_TEST_COUNTS:-}" ] || cat "$work/counts" >>"$LMAPP_TEST_COUNTS"
  return $status
}

status=0
"$root/node_modules/.bin/tsc" -p . || status=1
run "${tests[@]}" || status=1
# The table is of all clients, or of none.
if [ $# -eq 0 ]; then
  node table/main.ts "$work/results" "$write" || status=1
  run table/table.test.ts || status=1
fi
exit $status
