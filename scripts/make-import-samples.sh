#!/usr/bin/env bash
# Makes the samples of other programs' histories that the importers are tested with, by those programs themselves.
#
#   scripts/make-import-samples.sh [llm] [ollama-app] [ollama-modelfile] [open-webui]      (default: all)
#
# Needs pip and, for Ollama, what scripts/install-engines.sh has brought. Everything is done in a temporary folder;
# only the finished samples are written to packages/cli/src/history/import/fixtures. They hold new ids and times each
# time, so the tests look at what was said, not at those.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
fixtures=$root/packages/cli/src/history/import/fixtures
cache=${LMAPP_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/lmapp-test}
work=$(mktemp -d /tmp/lmapp-samples-XXXXXX)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
pixel=iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==

keep() { gzip -9n <"$1" >"$fixtures/$2"; }

# A model without a network, answering with what it was asked, for versions that llm-echo does not know.
make_llm_older() {
  local version=$1
  python3 -m venv "$work/llm-$version"
  "$work/llm-$version/bin/pip" -q install "llm==$version" 'setuptools<80' httpx 'openai<2'
  mkdir "$work/user-$version"
  LLM_USER_PATH=$work/user-$version "$work/llm-$version/bin/python" - "$version" <<'PY'
import sys
import llm
from llm.cli import cli
from llm.plugins import pm

class Echo(llm.Model):
    model_id = "echo"

    def execute(self, prompt, stream, response, conversation=None):
        response.response_json = {"turns": len(conversation.responses) if conversation else 0}
        if hasattr(response, "set_usage"):
            response.set_usage(input=len(prompt.prompt), output=5)
        yield "You said: " + prompt.prompt

class Plugin:
    @llm.hookimpl
    def register_models(self, register):
        register(Echo())

pm.register(Plugin())
for words in (["Hello", "-s", "Be brief."], ["And again", "-c"], ["Grüße, 日本語"]):
    cli(["prompt", "-m", "echo", *words], standalone_mode=False)
PY
  keep "$work/user-$version/logs.db" "llm-$version.db.gz"
}

make_llm_echo() {
  local version=$1 echo=$2 openai=$3
  python3 -m venv "$work/llm-$version"
  "$work/llm-$version/bin/pip" -q install "llm==$version" "llm-echo$echo" httpx "openai$openai"
  export LLM_USER_PATH=$work/user-$version
  mkdir -p "$LLM_USER_PATH"
  local llm=$work/llm-$version/bin/llm
  (
    cd "$work"
    printf 'A fragment: 日本語.\n' >notes.txt
    "$llm" -m echo 'Hello' -s 'Be brief.'
    "$llm" -m echo -c 'And again'
    base64 -d <<<"$pixel" | "$llm" -m echo 'See this' -a - -f notes.txt
    "$llm" -m echo '{"prompt":"use a tool","tool_calls":[{"name":"llm_version"}]}' -T llm_version
  ) >/dev/null
  "$work/llm-$version/bin/python" - "$LLM_USER_PATH/logs.db" "$work" <<'PY'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute("UPDATE fragments SET source = replace(source, ?, '.')", (sys.argv[2],))
db.commit()
db.execute("VACUUM")
PY
  keep "$LLM_USER_PATH/logs.db" "llm-$version.db.gz"
}

# A database of 0.26 that 0.36 went on with: both generations of tables are filled.
make_llm_upgraded() {
  mkdir -p "$work/user-upgraded"
  cp "$work/user-0.26/logs.db" "$work/user-upgraded/"
  LLM_USER_PATH=$work/user-upgraded "$work/llm-0.36/bin/llm" -m echo -c 'After the update' >/dev/null
  keep "$work/user-upgraded/logs.db" llm-upgraded.db.gz
}

make_llm() {
  make_llm_older 0.13
  make_llm_older 0.19
  make_llm_echo 0.26 '<0.4' '<2'
  make_llm_echo 0.36 '' ''
  make_llm_upgraded
}

# The desktop app is for macOS and Windows; its store is plain Go, and is run here by a program of a few lines.
make_ollama_app() {
  local module
  module=$(go mod download -json github.com/ollama/ollama@v0.17.4 | python3 -c 'import json, sys; print(json.load(sys.stdin)["Dir"])')
  cp -r "$module" "$work/ollama"
  chmod -R u+w "$work/ollama"
  rm -f "$work"/ollama/app/store/*_test.go
  sed -i '/^\/\/go:build windows || darwin$/d' "$work"/ollama/app/store/*.go "$work"/ollama/app/types/not/*.go
  mkdir "$work/ollama/app/sample"
  cat >"$work/ollama/app/sample/main.go" <<'GO'
package main

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"time"

	"github.com/ollama/ollama/app/store"
)

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	s := &store.Store{DBPath: os.Args[1]}
	at := time.Date(2026, 8, 14, 9, 0, 0, 123456789, time.FixedZone("CEST", 7200))
	end, think := at.Add(4*time.Second), at.Add(2*time.Second)
	png, err := base64.StdEncoding.DecodeString(os.Args[2])
	check(err)
	files := []store.File{{Filename: "dot.png", Data: png}, {Filename: "notes.txt", Data: []byte("A note: 日本語.\n")}, {Filename: "report.pdf", Data: []byte("%PDF-1.4\n%\xff\xfe\n")}}
	call := store.ToolCall{Type: "function", Function: store.ToolFunction{Name: "weather", Arguments: `{"city":"Zürich"}`}}
	result := json.RawMessage(`{"temperature":21,"unit":"C"}`)
	model := "smollm2:135m"
	check(s.SetChat(store.Chat{ID: "0198a7e0-0000-7000-8000-000000000001", Title: "Weather in Zürich", CreatedAt: at, Messages: []store.Message{
		{Role: "user", Content: "What is on this picture?", CreatedAt: at, UpdatedAt: at, Attachments: files},
		{Role: "assistant", Content: "A single dot.", Thinking: "One pixel.", Model: model, CreatedAt: think, UpdatedAt: end, ThinkingTimeStart: &think, ThinkingTimeEnd: &end},
		{Role: "user", Content: "And how warm is it?", CreatedAt: end, UpdatedAt: end},
		{Role: "assistant", Model: model, CreatedAt: end, UpdatedAt: end, ToolCalls: []store.ToolCall{call}},
		{Role: "tool", Content: "21 °C", ToolResult: &result, CreatedAt: end, UpdatedAt: end},
		{Role: "assistant", Content: "It is 21 °C.", Model: model, CreatedAt: end, UpdatedAt: end.Add(time.Second)},
	}}))
	before := at.Add(-time.Hour)
	check(s.SetChat(store.Chat{ID: "0198a7e0-0000-7000-8000-000000000002", CreatedAt: before, Messages: []store.Message{
		{Role: "user", Content: "Hello", CreatedAt: before, UpdatedAt: before},
		{Role: "assistant", Content: "Hi, how can I", Model: model, Stream: true, CreatedAt: before, UpdatedAt: before},
	}}))
	check(s.Close())
}
GO
  (cd "$work/ollama" && CGO_ENABLED=1 CGO_CFLAGS='-O1 -w' go build -o "$work/sample" ./app/sample)
  HOME=$work "$work/sample" "$work/app.sqlite" "$pixel"
  keep "$work/app.sqlite" ollama-app-0.17.4.sqlite.gz
}

# A session in a terminal, saved by /save, as `ollama show --modelfile` gives it.
make_ollama_modelfile() {
  python3 - "$cache" "$work" "$fixtures/ollama-session.modelfile" <<'PY'
import os, pty, re, select, socket, subprocess, sys, time
cache, work, target = sys.argv[1:]
binary = f"{cache}/ollama/bin/ollama"
with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    port = probe.getsockname()[1]
environment = {"PATH": os.environ["PATH"], "HOME": work, "OLLAMA_HOST": f"127.0.0.1:{port}", "OLLAMA_MODELS": f"{work}/models", "TERM": "xterm"}
server = subprocess.Popen([binary, "serve"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
try:
    while subprocess.run([binary, "list"], env=environment, capture_output=True).returncode:
        time.sleep(0.1)
    with open(f"{work}/Modelfile", "w") as file:
        file.write(f"FROM {cache}/models/SmolLM2-135M-Instruct.Q4_1.gguf\nPARAMETER num_predict 24\nPARAMETER temperature 0\nPARAMETER seed 1\n")
    subprocess.run([binary, "create", "smollm2", "-f", f"{work}/Modelfile"], env=environment, check=True, capture_output=True)
    child, terminal = pty.fork()
    if child == 0:
        os.execve(binary, [binary, "run", "smollm2"], environment)
    seen = b""
    def expect(prompt):
        global seen
        while prompt not in seen:
            seen += os.read(terminal, 65536)
        seen = b""
    for line in ("/set system \"\"\"Be brief.\nAnd kind.\"\"\"", "Say \"hello\" to Zoë.", "\"\"\"Two lines:\nMESSAGE user no\"\"\"", "/save session", "/bye"):
        expect(b">>> ")
        os.write(terminal, line.encode() + b"\r")
    os.waitpid(child, 0)
    text = subprocess.run([binary, "show", "--modelfile", "session"], env=environment, check=True, capture_output=True, text=True).stdout
    with open(target, "w") as file:
        file.write(re.sub(r"^FROM .*/blobs/", "FROM /models/blobs/", text, flags=re.M))
finally:
    server.terminate()
    server.wait()
PY
}

# Open WebUI's own models write its database; the whole server is not installed for that.
make_open_webui() {
  local version=0.12.4
  python3 -m pip -q download --no-deps -d "$work" "open-webui==$version"
  mkdir -p "$work/webui/data" "$work/static/static"
  unzip -q "$work"/open_webui-*.whl 'open_webui/*' -x 'open_webui/frontend/*' -d "$work/webui"
  python3 -m venv "$work/webui/venv"
  "$work/webui/venv/bin/pip" -q install sqlalchemy aiosqlite pydantic fastapi alembic greenlet typer uvicorn markdown \
    beautifulsoup4 cryptography aiohttp python-socketio python-engineio orjson python-mimeparse \
    pillow pyjwt pytz bcrypt argon2-cffi requests passlib redis authlib httpx
  (
    cd "$work/webui"
    VECTOR_DB=qdrant DATA_DIR=$work/webui/data WEBUI_SECRET_KEY=x "$work/webui/venv/bin/python" - "$pixel" "$fixtures" <<'PY'
import asyncio, json, sys
import open_webui.config  # runs the migrations
import open_webui.models.chats as chats
from open_webui.models.users import Users

pixel, fixtures = sys.argv[1:]

def message(id, parent, children, role, content, at, **more):
    return {"id": id, "parentId": parent, "childrenIds": children, "role": role, "content": content, "timestamp": at, **more}

thought = '<details type="reasoning" done="true" duration="2">\n<summary>Thought for 2 seconds</summary>\n&gt; One pixel &amp; nothing else.\n</details>\n'
usage = {"prompt_tokens": 12, "completion_tokens": 5, "total_tokens": 17, "total_duration": 2000000000, "eval_duration": 1500000000}
answer = {"model": "smollm2:135m", "modelName": "smollm2:135m", "modelIdx": 0, "done": True}
at = 1786700000
messages = [
    message("u1", None, ["a1", "a2"], "user", "What is this?", at, models=["smollm2:135m"],
            files=[{"type": "image", "url": "data:image/png;base64," + pixel},
                   {"type": "file", "name": "notes.txt", "file": {"id": "f1", "filename": "notes.txt", "data": {"content": "A note: 日本語.\n"}, "meta": {"content_type": "text/plain"}}},
                   {"type": "collection", "name": "Papers"}]),
    message("a1", "u1", [], "assistant", "I do not know.", at + 1, **answer),
    message("a2", "u1", ["u2"], "assistant", thought + "A single dot.", at + 3, usage=usage, **answer),
    message("u2", "a2", ["a3"], "user", "Really?", at + 60, models=["smollm2:135m"]),
    message("a3", "u2", [], "assistant", "", at + 61, error={"content": "The model is gone."}, **answer),
]
history = {"messages": {each["id"]: each for each in messages}, "currentId": "a3"}
first = {"id": "", "title": "A dot", "models": ["smollm2:135m"], "system": "Be brief.", "params": {}, "history": history,
         "messages": [messages[0], messages[2], messages[3], messages[4]], "tags": [], "timestamp": at * 1000, "files": []}
output = [{"type": "reasoning", "content": [{"type": "output_text", "text": "Greet."}]},
          {"type": "function_call", "call_id": "c1", "name": "clock", "arguments": "{}"},
          {"type": "function_call_output", "call_id": "c1", "output": [{"type": "input_text", "text": "noon"}]},
          {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Good day."}]}]
greeting = [message("g1", None, ["g2"], "user", "Hello", at + 100), message("g2", "g1", [], "assistant", "", at + 101, output=output, **answer)]
second = {"title": "Hello", "models": ["smollm2:135m"], "history": {"messages": {each["id"]: each for each in greeting}, "currentId": "g2"}}

async def main():
    await Users.insert_new_user("u", "Someone", "someone@example.org", role="admin")
    forms = [chats.ChatImportForm(chat=first, meta={"tags": ["pixels", "small_things"]}, pinned=True, created_at=at, updated_at=at + 61),
             chats.ChatImportForm(chat=second, created_at=at + 100, updated_at=at + 101)]
    made = await chats.Chats.import_chats("u", forms)
    # What Settings > Chats > Export saves.
    with open(fixtures + "/open-webui-0.12.4.json", "w") as file:
        json.dump([each.model_dump() for each in made], file, ensure_ascii=False)

asyncio.run(main())
PY
    python3 - "$work/webui/data/webui.db" <<'PY'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute("PRAGMA journal_mode = DELETE")
for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall():
    if name not in ("chat", "chat_message", "user", "file", "tag", "alembic_version"):
        db.execute(f'DROP TABLE "{name}"')
db.commit()
db.execute("VACUUM")
PY
  )
  keep "$work/webui/data/webui.db" open-webui-0.12.4.db.gz
}

[ $# -gt 0 ] || set -- llm ollama-app ollama-modelfile open-webui
for wanted in "$@"; do
  case $wanted in
    llm) make_llm ;;
    ollama-app) make_ollama_app ;;
    ollama-modelfile) make_ollama_modelfile ;;
    open-webui) make_open_webui ;;
    *) echo "make-import-samples: unknown: $wanted" >&2 && exit 1 ;;
  esac
done
ls -l "$fixtures"
