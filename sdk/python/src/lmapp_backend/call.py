"""What a chat of a backend is given beside the request."""

from __future__ import annotations

from threading import Lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class Call:
    """One chat that runs. Its members may be used from any thread."""

    def __init__(self) -> None:
        #: True once nobody wants the answer any more. A `yield` sees it by itself; an engine that blocks does not.
        self.cancelled = False
        #: What was used so far, as `{"outputTokens": 3}`. It goes into the end of the answer, also of a cancelled one.
        self.usage: dict[str, Any] = {}
        self._hooks: list[Callable[[], object]] = []
        self._lock = Lock()

    def on_cancel(self, hook: Callable[[], object]) -> None:
        """Calls it when the chat is cancelled, from another thread: to interrupt an engine that blocks."""
        with self._lock:
            if not self.cancelled:
                self._hooks.append(hook)
                return
        hook()

    def _cancel(self) -> list[Callable[[], object]] | None:
        """What is to be called now; None when it was cancelled before."""
        with self._lock:
            if self.cancelled:
                return None
            self.cancelled = True
            return self._hooks
