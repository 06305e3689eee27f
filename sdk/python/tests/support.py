"""A backend as a process, spoken to by hand, and a reader that waits for what it expects."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from queue import Empty, Queue

HERE = Path(__file__).parent
FIXTURES = HERE / "fixtures"
SOURCES = HERE.parent / "src"
#: Against what hangs; nothing that works comes near it.
TIMEOUT_SECONDS = 20


class Plugin:
    """`with Plugin(program) as plugin:`; leaving ends the process."""

    def __init__(self, program: Path = FIXTURES / "example.py", **hello):
        self.folder = tempfile.TemporaryDirectory(prefix="lmapp-sdk-")
        self.exchange_dir = os.path.join(self.folder.name, "exchange")
        os.mkdir(self.exchange_dir, 0o700)
        environment = {**os.environ, "PYTHONPATH": str(SOURCES), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": ""}
        self.process = subprocess.Popen(
            [sys.executable, str(program)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env=environment,
            cwd=self.folder.name,
        )
        self.hello_params = {
            "interfaceVersions": ["1.0"],
            "nonce": "n",
            "config": {},
            "secrets": {},
            "limits": {"maxLineBytes": 8388608, "inlineLimitBytes": 1048576, "cancelDeadlineMs": 5000},
            "dataDir": self.folder.name,
            "exchangeDir": self.exchange_dir,
            **hello,
        }
        self.stderr = bytearray()
        self._lines: Queue[bytes] = Queue()
        self._last_id = 0
        self._stderr_reader = threading.Thread(target=self._read_stderr)
        self._stderr_reader.start()
        self._stdout_reader: threading.Thread | None = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end_input()
        try:
            self.process.wait(TIMEOUT_SECONDS)
        finally:
            self.process.kill()
            self.process.wait()
            self.read()
            for thread in (self._stderr_reader, self._stdout_reader):
                thread.join()
            self.process.stdout.close()
            self.process.stderr.close()
            self.folder.cleanup()

    def read(self):
        """Begins to read its stdout; a host that does not is a slow one."""
        if self._stdout_reader is None:
            self._stdout_reader = threading.Thread(target=self._read_stdout)
            self._stdout_reader.start()
        return self

    def greet(self):
        self.read()
        return self.answer_of(self.ask("hello", self.hello_params))["result"]

    def write(self, data: bytes):
        rest = memoryview(data)
        while rest:
            rest = rest[self.process.stdin.write(rest) :]

    def send(self, message: dict):
        self.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")

    def notify(self, method: str, **params):
        self.send({"method": method, "params": params})

    def ask(self, method: str, params=None) -> int:
        self._last_id += 1
        self.send({"id": self._last_id, "method": method, "params": {} if params is None else params})
        return self._last_id

    def call(self, method: str, params=None) -> dict:
        return self.answer_of(self.ask(method, params))

    def chat(self, model: str, text: str = "", credit: int = 256, **request) -> int:
        message = {"role": "user", "content": [{"type": "text", "text": text}]}
        return self.ask("chat", {"request": {"model": model, "messages": [message], **request}, "credit": credit})

    def next(self) -> dict:
        try:
            line = self._lines.get(timeout=TIMEOUT_SECONDS)
        except Empty:
            raise AssertionError(f"Nothing came any more. On stderr: {self.stderr.decode()}") from None
        if not line:
            raise EOFError(self.stderr.decode())
        return json.loads(line)

    def answer_of(self, id: int) -> dict:
        """Passes over what comes before."""
        while True:
            message = self.next()
            if message.get("id") == id:
                return message

    def collect(self, id: int, give: bool = True):
        """The parts and the response of a chat; gives credit for what came. Checks seq and ids."""
        parts, sizes, seq = [], [], 0
        while True:
            message = self.next()
            if message.get("id") == id:
                return parts, message, sizes
            if message.get("method") != "parts" or message["params"]["id"] != id:
                continue
            seq += 1
            assert message["params"]["seq"] == seq, message
            parts += message["params"]["parts"]
            sizes.append(len(message["params"]["parts"]))
            if give:
                self.notify("credit", id=id, parts=sizes[-1])

    def end_input(self):
        if not self.process.stdin.closed:
            try:
                self.process.stdin.close()
            except OSError:
                pass

    def exit_code(self) -> int:
        code = self.process.wait(TIMEOUT_SECONDS)
        self._stderr_reader.join(TIMEOUT_SECONDS)
        return code

    def rest(self) -> list:
        """What still comes until the end of its stdout."""
        messages = []
        try:
            while True:
                messages.append(self.next())
        except EOFError:
            return messages

    def _read_stdout(self):
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put(b"")

    def _read_stderr(self):
        while chunk := self.process.stderr.read(65536):
            self.stderr += chunk


def text_of(parts) -> str:
    return "".join(part["text"] for part in parts if part["type"] == "text-delta")
