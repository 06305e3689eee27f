"""Lines in and out: JSON-RPC 2.0, one object a line, UTF-8, LF, at most 8 MiB."""

from __future__ import annotations

import json
import os
import sys
from queue import Queue
from threading import Lock, Thread

from .errors import BackendError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

MAX_LINE_BYTES = 8 * 1024 * 1024
#: Of a wrong line, in the log.
SHOWN_CHARACTERS = 200
#: Small things that wait for the writer's thread. A host that asks on without reading is then read no more.
MAX_WAITING_JOBS = 1024


class BrokenLine(Exception):
    """A line from the host that is no message; nothing can be read after it."""

    def __init__(self, reason: str, line: bytes) -> None:
        shown = line[: SHOWN_CHARACTERS * 4].decode("utf-8", "backslashreplace")[:SHOWN_CHARACTERS]
        super().__init__(f"{reason}: {shown}")


def take_streams() -> tuple[int, int]:
    """
    Keeps stdin and stdout for the protocol, as two descriptors that no child inherits. From then on descriptor 0 is
    empty and descriptor 1 is stderr: what prints, in Python, in native code or in a child, prints into the log.
    """
    source, sink = os.dup(0), os.dup(1)
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)
    # What is in the buffer of sys.stdout by now is written later, and so to stderr too.
    os.dup2(2, 1)
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(line_buffering=True, errors="backslashreplace")
    return source, sink


def read_messages(source: int) -> Iterator[dict[str, Any]]:
    """Ends when the host closes its side. Raises BrokenLine."""
    for line in _read_lines(source):
        if line.strip():
            yield parse_message(line)


def parse_message(line: bytes) -> dict[str, Any]:
    """A request, a notification or a response. Raises BrokenLine for anything else."""
    try:
        message = json.loads(line.decode("utf-8"), parse_constant=_refuse_constant)
    except UnicodeDecodeError:
        raise BrokenLine("A line is no UTF-8", line) from None
    except RecursionError:
        raise BrokenLine("A line is nested too deeply", line) from None
    except ValueError:
        raise BrokenLine("A line is no JSON", line) from None
    if not isinstance(message, dict):
        raise BrokenLine("A line is no object", line)
    if isinstance(message.get("method"), str):
        if "id" not in message or is_request_id(message["id"]):
            return message
    elif "id" in message and ("result" in message or "error" in message):
        return message
    raise BrokenLine("A line is neither a request nor a notification nor a response", line)


def is_request_id(value: object) -> bool:
    return isinstance(value, (int, float, str)) and not isinstance(value, bool)


def to_json(value: object) -> bytes:
    """Raises TypeError, ValueError or RecursionError for what is no JSON."""
    text = _encode(value)
    try:
        return text.encode()
    except UnicodeEncodeError:
        return to_well_formed(text).encode()


def to_well_formed(text: str) -> str:
    """Joins the halves of a character, and puts U+FFFD in place of a half that stands alone."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


class Writer:
    """The one way out. Lines go out whole; whoever sends one waits while the host does not read."""

    def __init__(self, sink: int, on_broken: Callable[[], object]) -> None:
        #: The longest line that the host takes.
        self.max_line_bytes = MAX_LINE_BYTES
        self._sink = sink
        self._on_broken = on_broken
        self._broken = False
        self._lock = Lock()
        self._jobs: Queue[Callable[[], object]] = Queue(MAX_WAITING_JOBS)
        Thread(target=self._work, name="lmapp-writer", daemon=True).start()

    def notify(self, method: str, params: object) -> None:
        self.write(to_json({"jsonrpc": "2.0", "method": method, "params": params}))

    def write(self, line: bytes) -> None:
        """Without its LF. Raises `bad-input` when it is too long; is silent when nobody reads any more."""
        if len(line) > self.max_line_bytes:
            raise BackendError(
                "bad-input", f"A message is longer than the {self.max_line_bytes} bytes that a line may have."
            )
        rest = memoryview(line + b"\n")
        with self._lock:
            try:
                while rest and not self._broken:
                    rest = rest[os.write(self._sink, rest) :]
            except OSError:
                self._broken = True
                self._on_broken()

    def later(self, job: Callable[[], object]) -> None:
        """Runs it in the writer's thread, after what was given before: for a thread that must not wait for the host."""
        self._jobs.put(job)

    def _work(self) -> None:
        while True:
            self._jobs.get()()


_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _read_lines(source: int) -> Iterator[bytes]:
    pieces: list[bytes] = []
    size = 0
    while chunk := _read(source):
        *lines, rest = chunk.split(b"\n")
        for line in lines:
            if pieces:
                line = b"".join((*pieces, line))
                pieces, size = [], 0
            yield _bounded(line)
        if rest:
            pieces.append(rest)
            size += len(rest)
            if size > MAX_LINE_BYTES:
                raise BrokenLine(f"A line is longer than {MAX_LINE_BYTES} bytes", pieces[0])


def _bounded(line: bytes) -> bytes:
    if len(line) > MAX_LINE_BYTES:
        raise BrokenLine(f"A line is longer than {MAX_LINE_BYTES} bytes", line)
    return line


def _read(source: int) -> bytes:
    try:
        return os.read(source, 1 << 16)
    except OSError:
        return b""
