#!/usr/bin/env bash
# Tests of the bridge, with the Python of PYTHON or python3, in a virtual environment of its own: it is made once for
# each set of requirements, from PyPI, in the test cache. With LMAPP_TEST_COUNTS=FILE the counts of the run are appended
# there as a line of JSON.
set -uo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python=${PYTHON:-python3}
cache=${LMAPP_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/lmapp-test}/python-llm
mkdir -p "$cache"

cp tests/requirements.txt "$work/requirements.txt"
# In the checkout of lmapp its own SDK is used, elsewhere the published one.
sdk=../../sdk/python/src
[ -d "$sdk" ] || echo 'lmapp-backend>=0.1' >>"$work/requirements.txt"

hash=$({ "$python" -VV; cat "$work/requirements.txt"; } | "$python" -c 'import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest()[:16])')
venv=$cache/$hash
make_venv() {
  [ ! -f "$venv/complete" ] || return 0
  rm -rf "$venv"
  "$python" -m venv "$venv" &&
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --prefer-binary -r "$work/requirements.txt" &&
    touch "$venv/complete"
}
# Two runs at once would build into one folder: the second waits for the first.
exec 9>"$cache/lock"
if command -v flock >/dev/null; then flock 9; fi
make_venv || exit 1
exec 9>&-

export PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=src:$sdk TMPDIR=$work
"$venv/bin/python" -m unittest discover -s tests -t . "$@" 2>&1 | tee "$work/report"
status=${PIPESTATUS[0]}

"$python" - "$work/report" "$status" "${LMAPP_TEST_COUNTS:-}" <<'PYTHON'
import json, re, sys

report, status, counts_file = open(sys.argv[1]).read(), int(sys.argv[2]), sys.argv[3]
number = lambda pattern: sum(map(int, re.findall(pattern, report.split("\nRan ")[-1])))
ran = number(r"^(\d+) tests?")
failed, skipped = number(r"(?:failures|errors|unexpected successes)=(\d+)"), number(r"skipped=(\d+)")
failed = max(failed, 1 if status else 0)
counts = {"passed": max(0, ran - failed - skipped), "failed": failed, "cancelled": 0, "skipped": skipped}
print("plugins/python-llm: {passed} passed, {failed} failed, {skipped} skipped".format(**counts))
if counts_file:
    with open(counts_file, "a") as file:
        file.write(json.dumps(counts) + "\n")
sys.exit(1 if failed or not ran else 0)
PYTHON
