"""Who may use a model now. Engines in this process rarely stand two chats at once."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from threading import Condition
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lmapp_backend import Call


class Turns:
    def __init__(self) -> None:
        self._busy: Counter[str] = Counter()
        self._freed = Condition()

    def is_free(self, model_id: str, limit: int | None) -> bool:
        return limit is None or self._busy[model_id] < limit

    @contextmanager
    def take(self, model_id: str, limit: int | None, call: Call | None = None) -> Iterator[bool]:
        """Waits for a turn, and gives it back. False when the chat was cancelled before its turn came."""
        if call:
            call.on_cancel(self._wake)
        with self._freed:
            while not self.is_free(model_id, limit) and not (call and call.cancelled):
                self._freed.wait()
            taken = not (call and call.cancelled)
            self._busy[model_id] += taken
        try:
            yield taken
        finally:
            with self._freed:
                self._busy[model_id] -= taken
                self._freed.notify_all()

    def _wake(self) -> None:
        with self._freed:
            self._freed.notify_all()
