"""The bridge with the models of the fixtures: in this process, and as a child of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from queue import Empty, Queue

from lmapp_backend import Call

FIXTURES = Path(__file__).resolve().parent / "fixtures"
SOURCES = FIXTURES.parent.parent / "src"
#: Against what hangs; nothing that works comes near it.
TIMEOUT_SECONDS = 20

sys.path[:0] = [str(FIXTURES / "plugin"), str(FIXTURES / "broken")]
USER_DIR = tempfile.TemporaryDirectory(prefix="lmapp-llm-")
# llm reads it at each use, and the first use is in these tests.
os.environ["LLM_USER_PATH"] = USER_DIR.name


class Context:
    def __init__(self, config=None, secrets=None):
        self.config = {"only": ["fixture/*"]} if config is None else config
        self.secrets = secrets or {}
        self.data_dir = USER_DIR.name
        self.logged = []

    def log(self, level, text):
        self.logged.append((level, text))


def open_backend(config=None, **given):
    """Started."""
    from lmapp_backend_llm.backend import LlmBackend

    backend = LlmBackend(Context(config, **given))
    backend.start()
    return backend


def say(role, text):
    return {"role": role, "content": [{"type": "text", "text": text}]}


class Answer:
    """A chat, read to its end in this process."""

    def __init__(self, backend, model, *messages, call=None, **request):
        messages = [say("user", message) if isinstance(message, str) else message for message in messages]
        self.parts, self.finish = [], None
        chat = backend.chat({"model": model, "messages": messages, **request}, call or Call())
        while self.finish is None:
            try:
                part = next(chat)
            except StopIteration as end:
                self.finish = end.value
            else:
                self.parts.append({"type": "text-delta", "text": part} if isinstance(part, str) else part)
        self.text = "".join(part["text"] for part in self.parts if part["type"] == "text-delta")
        self.settings = [part["setting"] for part in self.parts if part["type"] == "warning"]

    def of(self, type):
        return [part for part in self.parts if part["type"] == type]


class Plugin:
    """`with Plugin(config) as plugin:`: a real child, greeted and started; leaving ends it."""

    def __init__(self, config=None, **environment):
        self.folder = tempfile.TemporaryDirectory(prefix="lmapp-llm-")
        self.process = subprocess.Popen(
            [sys.executable, str(FIXTURES / "run.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "TMPDIR": self.folder.name, **environment},
            cwd=self.folder.name,
        )
        self.config = {} if config is None else config
        self.messages: Queue = Queue()
        self.stderr: Queue = Queue()
        self._last_id = 0
        self._readers = [
            threading.Thread(target=self._read, args=(self.process.stdout, self.messages)),
            threading.Thread(target=self._read, args=(self.process.stderr, self.stderr)),
        ]
        for reader in self._readers:
            reader.start()

    def __enter__(self):
        exchange = os.path.join(self.folder.name, "exchange")
        os.mkdir(exchange, 0o700)
        hello = {"interfaceVersions": ["1.0"], "nonce": "n", "config": self.config, "secrets": {}}
        hello |= {"limits": {"cancelDeadlineMs": 1000}, "dataDir": self.folder.name, "exchangeDir": exchange}
        self.info = self.call("hello", hello)["result"]["info"]
        self.started = self.call("start")
        return self

    def __exit__(self, *_):
        try:
            self.process.stdin.close()
            self.process.wait(TIMEOUT_SECONDS)
        finally:
            self.process.kill()
            self.process.wait()
            for reader in self._readers:
                reader.join()
            self.process.stdout.close()
            self.process.stderr.close()
            self.folder.cleanup()

    def send(self, method, params, **members):
        line = json.dumps({"jsonrpc": "2.0", "method": method, "params": params, **members})
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def ask(self, method, params=None):
        self._last_id += 1
        self.send(method, params or {}, id=self._last_id)
        return self._last_id

    def chat(self, model, text, credit=256, **request):
        request = {"model": model, "messages": [say("user", text)], **request}
        return self.ask("chat", {"request": request, "credit": credit})

    def next(self):
        line = take(self.messages)
        if not line:
            raise EOFError
        return json.loads(line)

    def answer_of(self, id):
        """The response, and the parts that came before it."""
        parts = []
        while True:
            message = self.next()
            if message.get("id") == id:
                return message, parts
            if message.get("method") == "parts" and message["params"]["id"] == id:
                parts += message["params"]["parts"]

    def call(self, method, params=None):
        return self.answer_of(self.ask(method, params))[0]

    def until_stderr(self, text):
        while text not in (line := take(self.stderr)):
            if not line:
                raise EOFError
        return line

    def _read(self, stream, lines):
        for line in stream:
            lines.put(line.decode("utf-8", "replace"))
        lines.put("")


def take(lines):
    try:
        return lines.get(timeout=TIMEOUT_SECONDS)
    except Empty:
        raise AssertionError("Nothing came any more.") from None
