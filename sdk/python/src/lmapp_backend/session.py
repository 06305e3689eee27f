"""The plugin's side of the line: what a message of the host sets going."""

from __future__ import annotations

import sys
from threading import Lock
from time import monotonic

from .able import assert_able, without_denied
from .backend import Context, to_info
from .chat import Chat
from .errors import BackendError
from .exchange import Exchange
from .files import resolve_large
from .methods import INTERFACE_VERSION, METHODS, OPTIONAL_METHODS
from .opened import Opened
from .params import DEFAULT_CREDIT, to_chat_request, to_count, to_hello, to_model, to_object
from .pull import Pull
from .stream import Stream
from .wire import MAX_LINE_BYTES, is_request_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .backend import Backend
    from .exchange import RequestId
    from .wire import Writer


class Session:
    """`receive` belongs to one thread, the reader's, which never waits: neither for an engine nor for the host."""

    def __init__(self, create: Callable[[Context], Backend], writer: Writer) -> None:
        self._create = create
        self._writer = writer
        self._opened: Opened | None = None
        self._greeting: Exchange | None = None
        self._running: dict[RequestId, Exchange] = {}
        self._lock = Lock()

    def receive(self, message: dict[str, Any]) -> None:
        method = message.get("method")
        if method is None:
            return
        if "id" in message:
            self._answer(message["id"], method, message.get("params"))
        elif method in ("cancel", "credit"):
            self._hear(method, message.get("params"))

    def cancel_all(self, seconds: float) -> None:
        """Asks everything to end, and waits so long for the answers."""
        with self._lock:
            exchanges = list(self._running.values())
        self._cancel(exchanges, seconds)

    def close(self) -> None:
        if self._opened:
            self._opened.lifecycle.stop()

    def _hear(self, method: str, params: Any) -> None:
        if not isinstance(params, dict) or not is_request_id(params.get("id")):
            return
        exchange = self._running.get(params["id"])
        if method == "cancel" and exchange:
            exchange.cancel()
        elif isinstance(exchange, Chat):
            exchange.outbox.grant(to_count(params.get("parts"), 0))

    def _answer(self, id: RequestId, method: str, params: Any) -> None:
        opened = self._opened
        if method == "hello":
            self._open(id, params)
        elif not opened:
            self._refuse(id, BackendError("protocol-violation", 'The first request must be "hello".'))
        elif method == "is_running":
            self._tell_health(id, opened)
        elif method in OPTIONAL_METHODS and not hasattr(opened.backend, method):
            self._refuse(id, _unknown(method))
        elif method == "chat":
            self._chat(id, opened, params)
        elif method == "pull_model":
            pull = Pull(self._writer, id, self._release, opened.patience)
            self._run(pull, lambda: pull.answer(lambda: opened.optional("pull_model")(to_model(params))))
        elif method == "stop":
            self._run(Exchange(self._writer, id, self._release), lambda: self._stop(opened))
        elif method in METHODS:
            self._run(Exchange(self._writer, id, self._release), lambda: METHODS[method](opened, params))
        else:
            self._refuse(id, _unknown(method))

    def _open(self, id: RequestId, params: Any) -> None:
        try:
            if self._greeting:
                raise BackendError("protocol-violation", '"hello" was already said.')
            hello = to_hello(params)
            _check_version(hello["interfaceVersions"])
        except BackendError as error:
            self._refuse(id, error)
            return
        self._writer.max_line_bytes = min(hello["maxLineBytes"], MAX_LINE_BYTES)
        self._greeting = Exchange(self._writer, id, self._release)
        self._run(self._greeting, lambda: self._greet(hello))

    def _greet(self, hello: dict[str, Any]) -> dict[str, Any]:
        backend = self._create(Context(hello, self._notify))
        info = to_info(backend, INTERFACE_VERSION)
        self._opened = Opened(backend, hello)
        return {"interfaceVersion": INTERFACE_VERSION, "nonce": hello["nonce"], "info": info}

    def _notify(self, method: str, params: dict[str, Any]) -> None:
        # Nothing may come before the answer of hello.
        if self._opened and self._greeting:
            self._greeting.done.wait()
            self._writer.notify(method, params)
        elif method == "log":
            print(f"{params['level']}: {params['message']}", file=sys.stderr, flush=True)

    def _tell_health(self, id: RequestId, opened: Opened) -> None:
        state = opened.lifecycle.state
        with self._lock:
            active = sum(isinstance(exchange, Chat) for exchange in self._running.values())
        health = {"running": state == "running", "state": state, "active": active, "queued": 0, "models": []}
        exchange = Exchange(self._writer, id, self._release)
        if hasattr(opened.backend, "is_running"):
            self._run(exchange, lambda: {**health, **opened.optional("is_running")()})
        else:
            exchange.resolve_later(health)

    def _chat(self, id: RequestId, opened: Opened, params: Any) -> None:
        credit = to_count(params.get("credit"), DEFAULT_CREDIT) if isinstance(params, dict) else 0
        chat = Chat(self._writer, id, self._release, opened.patience, credit)

        def work() -> dict[str, Any]:
            value = resolve_large(to_object(params, "params").get("request"), opened.hello["exchangeDir"])
            request = to_chat_request(value)
            assert_able(request, opened.backend)
            asked, warnings = without_denied(request, opened.backend)
            return chat.answer(lambda call: opened.backend.chat(asked, call), warnings)

        self._run(chat, work)

    def _stop(self, opened: Opened) -> None:
        with self._lock:
            streams = [exchange for exchange in self._running.values() if isinstance(exchange, Stream)]
        self._cancel(streams, opened.patience + 1)
        opened.lifecycle.stop()

    def _cancel(self, exchanges: list[Exchange] | list[Stream], seconds: float) -> None:
        for exchange in exchanges:
            exchange.cancel()
        until = monotonic() + seconds
        for exchange in exchanges:
            exchange.done.wait(max(0, until - monotonic()))

    def _run(self, exchange: Exchange, work: Callable[[], Any]) -> None:
        with self._lock:
            known = exchange.id in self._running
            if not known:
                self._running[exchange.id] = exchange
        if known:
            self._refuse(exchange.id, BackendError("protocol-violation", "A request with this id is running."))
        else:
            exchange.run(work)

    def _refuse(self, id: RequestId, error: BackendError) -> None:
        Exchange(self._writer, id, self._release).reject_later(error)

    def _release(self, exchange: Exchange) -> None:
        with self._lock:
            if self._running.get(exchange.id) is exchange:
                del self._running[exchange.id]


def _check_version(offered: list[str]) -> None:
    major = INTERFACE_VERSION.split(".")[0]
    for version in offered:
        parts = version.split(".")
        if len(parts) == 2 and parts[0] == major and parts[1].isdecimal():
            return
    raise BackendError(
        "interface-version",
        f"The host speaks interface version {', '.join(offered)}, this plugin {INTERFACE_VERSION}.",
        details={"offered": offered, "supported": [INTERFACE_VERSION]},
    )


def _unknown(method: str) -> BackendError:
    return BackendError(
        "method-not-found", f'The method "{method:.100}" is not known here.', details={"method": method[:100]}
    )
