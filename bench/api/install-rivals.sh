#!/usr/bin/env bash
# Installs the gateways that the bench of the API is compared with, once, into a cache outside the checkout.
#
#   bench/api/install-rivals.sh [portkey] [litellm]      (default: both)
#
# They come from npm and PyPI through their own clients. The cache is $LMAPP_BENCH_CACHE, else lmapp-bench in the
# user's cache folder. Prints one line for each: its name, its version and where it is. What cannot be installed is said
# and left out. Needs no network when the cache is warm.
set -euo pipefail

cache=${LMAPP_BENCH_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/lmapp-bench}
mkdir -p "$cache/logs"

# Two installations at once would write into one folder: the second waits for the first.
if command -v flock >/dev/null; then
  exec 9>"$cache/lock"
  flock 9
fi

failed=0

# attempt NAME VERSION COMMAND…: runs it with an empty folder, which is kept with the version in it when it succeeds.
attempt() {
  local name=$1 version=$2 folder=$cache/$1 log=$cache/logs/$1.log
  shift 2
  if [ "$(cat "$folder/installed" 2>/dev/null)" != "$version" ]; then
    rm -rf "$folder"
    mkdir -p "$folder"
    if ! "$@" "$folder" "$version" >"$log" 2>&1; then
      echo "install-rivals: $name could not be installed" >&2
      tail -n 20 "$log" >&2
      failed=1
      return 0
    fi
    echo "$version" >"$folder/installed"
  fi
  echo "$name $version $folder"
}

# With a later @hono/node-server every stream of it is a 500 (Portkey-AI/gateway#1389). Its own scripts do not run:
# they are for whoever develops it.
install_portkey() {
  echo '{ "private": true, "overrides": { "@hono/node-server": "1.14.1" } }' >"$1/package.json" &&
    npm install --prefix "$1" --ignore-scripts --no-audit --no-fund "@portkey-ai/gateway@$2"
}

install_litellm() {
  python3 -m venv "$1" && "$1/bin/pip" install --quiet --prefer-binary "litellm[proxy]==$2"
}

[ $# -gt 0 ] || set -- portkey litellm
for wanted in "$@"; do
  case $wanted in
    portkey) attempt portkey 1.15.2 install_portkey ;;
    litellm) attempt litellm 1.106.0 install_litellm ;;
    *)
      echo "install-rivals: unknown: $wanted (known: portkey, litellm)" >&2
      exit 1
      ;;
  esac
done
exit "$failed"
