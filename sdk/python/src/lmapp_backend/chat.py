"""One chat: from the generator of a backend to the finish."""

from __future__ import annotations

from .call import Call
from .errors import BackendError
from .outbox import Outbox
from .parts import PartEncoder
from .stream import Stream

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .exchange import Exchange, RequestId
    from .wire import Writer


class Chat(Stream):
    def __init__(
        self,
        writer: Writer,
        id: RequestId,
        on_settled: Callable[[Exchange], object],
        patience: float,
        credit: int,
    ) -> None:
        super().__init__(writer, id, on_settled, patience)
        self.outbox = Outbox(writer, id, credit)
        self._encoder = PartEncoder()

    def answer(self, open_parts: Callable[[Call], Any], first: list[dict[str, Any]]) -> dict[str, Any]:
        """The finish. `first`: parts that go ahead."""
        if self.call.cancelled or not all(map(self._send, first)):
            return _to_finish(None, self.call)
        try:
            return _to_finish(self._read("chat", open_parts(self.call)), self.call)
        except BaseException:
            # What breaks after a cancel, such as a connection that a hook closed, is the cancel.
            if self.call.cancelled:
                return _to_finish(None, self.call)
            raise

    def _send(self, item: Any) -> bool:
        part = self._encoder.encode(item)
        return part is None or self.outbox.add(part)

    def _stop_sending(self) -> None:
        self.outbox.close()

    def _end_cancelled(self) -> None:
        self.resolve(_to_finish(None, self.call))

    def _before_response(self) -> None:
        self.outbox.close()
        self.outbox.flush()


def _to_finish(value: Any, call: Call) -> dict[str, Any]:
    if value is None:
        value = {}
    if not isinstance(value, dict):
        raise BackendError("engine-failed", f"chat() must return a dict or nothing, not {value!r:.100}.")
    reason = "cancelled" if call.cancelled else value.get("reason", "stop")
    return {**value, "type": "finish", "reason": reason, "usage": {**call.usage, **value.get("usage", {})}}
