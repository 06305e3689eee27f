"""The parts of one chat on their way to the host."""

from __future__ import annotations

from threading import Condition, Lock
from time import monotonic

from .errors import BackendError
from .wire import to_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .wire import Writer

#: A part goes out at once, by the thread that made it, unless one went out just before. Then it waits for the writer's
#: thread, which runs as soon as the engine lets go of the interpreter, and what else is made meanwhile goes with it.
SOON_SECONDS = 0.001
MAX_BATCH_PARTS = 256
MAX_BATCH_BYTES = 64 * 1024


class Outbox:
    """Sends several parts in a notification, never more than there is credit. One thread adds; any may do the rest."""

    def __init__(self, writer: Writer, id: int | float | str, credit: int) -> None:
        self._writer = writer
        self._head = b'{"jsonrpc":"2.0","method":"parts","params":{"id":' + to_json(id) + b',"seq":'
        self._credit = credit
        self._closed = False
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self._scheduled = False
        self._seq = 0
        self._sent_at = 0.0
        # Held for moments only, so that the thread that reads from the host never waits for the host to read.
        self._state = Lock()
        self._more_credit = Condition(self._state)
        # Held while a line is written: the order of notifications.
        self._sending = Lock()

    def add(self, part: bytes) -> bool:
        """Waits for credit. False when nothing more may be sent; the part is dropped then."""
        self._make_room(len(part))
        if not self._take_credit():
            return False
        with self._state:
            if self._closed:
                return False
            self._pending.append(part)
            self._pending_bytes += len(part) + 1
            due = len(self._pending) >= MAX_BATCH_PARTS or monotonic() - self._sent_at >= SOON_SECONDS
            schedule = not due and not self._scheduled
            self._scheduled |= schedule
        if due:
            self.flush()
        elif schedule:
            self._writer.later(self._flush_scheduled)
        return True

    def grant(self, parts: int) -> None:
        with self._state:
            self._credit += parts
            self._more_credit.notify_all()

    def close(self) -> None:
        """What was added is still sent by `flush`; nothing is added any more, and nobody waits."""
        with self._state:
            self._closed = True
            self._more_credit.notify_all()

    def flush(self) -> None:
        with self._sending:
            with self._state:
                batch = self._pending
                self._pending = []
                self._pending_bytes = 0
            if batch:
                self._seq += 1
                self._writer.write(self._head + b'%d,"parts":[' % self._seq + b",".join(batch) + b"]}}")
                self._sent_at = monotonic()

    def _flush_scheduled(self) -> None:
        with self._state:
            self._scheduled = False
        self.flush()

    def _make_room(self, size: int) -> None:
        # 40: seq, brackets and braces.
        most = self._writer.max_line_bytes - len(self._head) - 40
        if size > most:
            raise BackendError("bad-input", f"A part is longer than the {most} bytes that a line has room for.")
        if self._pending_bytes + size > min(most, MAX_BATCH_BYTES):
            self.flush()

    def _take_credit(self) -> bool:
        with self._state:
            if self._credit > 0:
                self._credit -= 1
                return True
        self.flush()
        with self._state:
            while self._credit <= 0 and not self._closed:
                self._more_credit.wait()
            self._credit -= 1
            return not self._closed
