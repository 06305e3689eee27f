"""A request whose work is a generator: it ends at its `yield` when the host cancels, or is left behind."""

from __future__ import annotations

from threading import Thread

from .call import Call
from .errors import BackendError
from .exchange import Exchange, report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from .exchange import RequestId
    from .wire import Writer


class Stream(Exchange):
    """`patience`: the seconds that an engine has to end after a cancel, before the host is answered without it."""

    def __init__(
        self, writer: Writer, id: RequestId, on_settled: Callable[[Exchange], object], patience: float
    ) -> None:
        super().__init__(writer, id, on_settled)
        self.call = Call()
        self._patience = patience

    def cancel(self) -> None:
        hooks = self.call._cancel()
        if hooks is None:
            return
        self._stop_sending()
        try:
            Thread(target=self._answer_in_time, name="lmapp-cancel", daemon=True).start()
            if hooks:
                Thread(target=_call_all, args=(hooks,), name="lmapp-on-cancel", daemon=True).start()
        except RuntimeError:
            # No further thread can be started.
            self._writer.later(self._end_cancelled)

    def _read(self, source: str, items: Any) -> Any:
        """Sends what the generator yields. Returns what it returns."""
        iterator = _to_iterator(source, items)
        while True:
            try:
                item = next(iterator)
            except StopIteration as end:
                return end.value
            if self.call.cancelled or not self._send(item):
                return _leave(iterator)

    def _send(self, item: Any) -> bool:
        """False when nothing more may be sent."""
        raise NotImplementedError

    def _stop_sending(self) -> None:
        """Lets nobody wait in `_send`."""

    def _end_cancelled(self) -> None:
        """Answers without the engine."""
        raise NotImplementedError

    def _answer_in_time(self) -> None:
        if not self.done.wait(self._patience):
            self._end_cancelled()


def _to_iterator(source: str, items: Any) -> Iterator[Any]:
    if items is None or isinstance(items, (str, dict)):
        raise BackendError("engine-failed", f"{source}() must be a generator: it must yield.")
    return iter(items)


def _leave(iterator: Iterator[Any]) -> Any:
    """Ends a generator at its yield. What it returns then is heard, as after its own end."""
    if not hasattr(iterator, "throw"):
        return None
    try:
        iterator.throw(GeneratorExit())
    except StopIteration as end:
        return end.value
    except GeneratorExit:
        return None
    except Exception as error:
        report(error)
    return None


def _call_all(hooks: list[Callable[[], object]]) -> None:
    for hook in hooks:
        try:
            hook()
        except Exception as error:
            report(error)
