#!/usr/bin/env bash
# Tests of the Python SDK, with the Python of PYTHON or python3. With LMAPP_TEST_COUNTS=FILE the counts of the run are
# appended there as a line of JSON.
set -uo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=src TMPDIR=$work
python=${PYTHON:-python3}

"$python" -m unittest discover -s tests -t . "$@" 2>&1 | tee "$work/report"
status=${PIPESTATUS[0]}

"$python" - "$work/report" "$status" "${LMAPP_TEST_COUNTS:-}" <<'PYTHON'
import json, re, sys

report, status, counts_file = open(sys.argv[1]).read(), int(sys.argv[2]), sys.argv[3]
number = lambda pattern: sum(map(int, re.findall(pattern, report.split("\nRan ")[-1])))
ran = number(r"^(\d+) tests?")
failed, skipped = number(r"(?:failures|errors|unexpected successes)=(\d+)"), number(r"skipped=(\d+)")
failed = max(failed, 1 if status else 0)
counts = {"passed": max(0, ran - failed - skipped), "failed": failed, "cancelled": 0, "skipped": skipped}
print("sdk/python: {passed} passed, {failed} failed, {skipped} skipped".format(**counts))
if counts_file:
    with open(counts_file, "a") as file:
        file.write(json.dumps(counts) + "\n")
sys.exit(1 if failed or not ran else 0)
PYTHON
