"""One download: the steps of `pull_model`."""

from __future__ import annotations

from threading import Lock

from .errors import BackendError
from .stream import Stream

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .exchange import Exchange, RequestId
    from .wire import Writer


class Pull(Stream):
    def __init__(
        self, writer: Writer, id: RequestId, on_settled: Callable[[Exchange], object], patience: float
    ) -> None:
        super().__init__(writer, id, on_settled, patience)
        self._sending = Lock()

    def answer(self, open_steps: Callable[[], Any]) -> dict[str, Any]:
        """How it ended."""
        try:
            value = self._read("pull_model", open_steps())
        except BaseException:
            if not self.call.cancelled:
                raise
        if self.call.cancelled:
            raise _cancelled()
        return value if isinstance(value, dict) else {"status": "done"}

    def _send(self, item: Any) -> bool:
        if not isinstance(item, dict) or not isinstance(item.get("status"), str):
            raise BackendError("engine-failed", f"pull_model() must yield a dict with a status, not {item!r:.100}.")
        with self._sending:
            if not self.settled:
                self._writer.notify("pull_progress", {**item, "id": self.id})
        return True

    def _end_cancelled(self) -> None:
        self.reject(_cancelled())

    def _before_response(self) -> None:
        with self._sending:
            pass


def _cancelled() -> BackendError:
    return BackendError("cancelled", "The download was cancelled.")
