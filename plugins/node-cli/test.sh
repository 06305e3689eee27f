#!/usr/bin/env bash
# Builds and tests this plugin as if it were a repository of its own: in a temporary folder, on lmapp-kit as a packed
# tarball. What is tested as a program is what `npm pack` gives. LMAPP_TEST_COUNTS names a file for the counts.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
kit=$here/../../packages/kit
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The Node that the workspace pins, where the plugin lies in one.
if [ -x "$here/../../node_modules/.bin/node" ]; then PATH=$(cd "$here/../../node_modules/.bin" && pwd):$PATH; fi
if [ ! -f "$kit/dist/index.js" ]; then
  echo "lmapp-kit is not built. Run in the root of the repository: npm run build" >&2
  exit 1
fi

mkdir "$work/plugin" "$work/installed"
(cd "$kit" && npm pack --silent --pack-destination "$work" >/dev/null)
cd "$here"
cp -R src test package.json tsconfig.json lmapp-backend.json lmapp-verify.json README.md LICENSE "$work/plugin"

cd "$work/plugin"
npm install --silent --no-audit --no-fund --save-dev "$work"/lmapp-kit-*.tgz
# Types are checked where the kit brings its declarations.
if [ -f node_modules/lmapp-kit/dist/index.d.ts ]; then npm run --silent check; fi
npm pack --silent --pack-destination "$work" >/dev/null
tar -xzf "$work"/lmapp-backend-node-cli-*.tgz -C "$work/installed"

status=0
NODE_CLI_MAIN=$work/installed/package/dist/main.js node --test --test-concurrency=2 --test-timeout=60000 \
  --test-reporter=spec --test-reporter-destination=stdout \
  --test-reporter=tap --test-reporter-destination="$work/tap" \
  'test/**/*.test.ts' || status=$?

if [ -n "${LMAPP_TEST_COUNTS:-}" ]; then
  count() { sed -n "s/^# $1 //p" "$work/tap" | tail -n 1; }
  printf '{"passed":%d,"failed":%d,"cancelled":%d,"skipped":%d}\n' \
    "$(count pass)" "$(count fail)" "$(count cancelled)" "$(count skipped)" >>"$LMAPP_TEST_COUNTS"
fi
exit "$status"
