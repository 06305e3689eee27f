"""A request of the host on its way to its one response."""

from __future__ import annotations

import sys
from threading import Event, Lock, Thread

from .errors import BackendError, to_rpc_error
from .wire import to_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .wire import Writer

    RequestId = int | float | str


class Exchange:
    """Answers once, whoever is first: the work, or the end of waiting for it."""

    def __init__(self, writer: Writer, id: RequestId, on_settled: Callable[[Exchange], object]) -> None:
        self.id = id
        #: Set when the response is on the line.
        self.done = Event()
        self._writer = writer
        self._on_settled = on_settled
        self._settled = False
        self._lock = Lock()

    @property
    def settled(self) -> bool:
        return self._settled

    def run(self, work: Callable[[], Any]) -> None:
        """In a thread of its own. What `work` raises becomes the error."""
        try:
            Thread(target=self._work, args=(work,), name=f"lmapp-{self.id}", daemon=True).start()
        except RuntimeError:
            self.reject_later(BackendError("busy", "No further thread can be started."))

    def cancel(self) -> None:
        """Does not wait. The work goes on where it cannot be told to end, and its result is dropped."""
        self.reject_later(BackendError("cancelled", "It was cancelled."))

    def resolve(self, result: Any) -> None:
        self._settle({"result": result})

    def reject(self, error: BaseException) -> None:
        """Says first where it came from, on stderr, unless it is an error of the contract."""
        if not self._settled and not isinstance(error, BackendError):
            report(error)
        self._settle({"error": to_rpc_error(error)})

    def resolve_later(self, result: Any) -> None:
        """For the thread that reads from the host: does not wait until the host reads."""
        self._writer.later(lambda: self.resolve(result))

    def reject_later(self, error: BaseException) -> None:
        self._writer.later(lambda: self.reject(error))

    def _before_response(self) -> None:
        """Sends what must be on the line before."""

    def _work(self, work: Callable[[], Any]) -> None:
        try:
            result = work()
        except BaseException as error:
            self.reject(error)
        else:
            self.resolve(result)

    def _settle(self, outcome: dict[str, Any]) -> None:
        with self._lock:
            if self._settled:
                return
            self._settled = True
        try:
            self._before_response()
            self._on_settled(self)
            self._respond(outcome)
        finally:
            self.done.set()

    def _respond(self, outcome: dict[str, Any]) -> None:
        try:
            self._writer.write(to_json({"jsonrpc": "2.0", "id": self.id, **outcome}))
        except Exception as error:
            wrong = error if isinstance(error, BackendError) else _no_json(error)
            self._writer.write(to_json({"jsonrpc": "2.0", "id": self.id, "error": to_rpc_error(wrong)}))


def report(error: BaseException) -> None:
    """The way to an error, on stderr, in one piece."""
    from traceback import format_exception

    try:
        sys.stderr.write("".join(format_exception(error)))
        sys.stderr.flush()
    except OSError:
        pass


def _no_json(error: Exception) -> BackendError:
    return BackendError("engine-failed", f"What the backend answered is no JSON: {error}")
