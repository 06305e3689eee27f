"""The main program of a plugin, and its end."""

from __future__ import annotations

import atexit
import os
import signal
import sys
from queue import SimpleQueue
from threading import Event, Thread, current_thread, main_thread
from time import sleep

from .exchange import report
from .session import Session
from .wire import BrokenLine, Writer, read_messages, take_streams

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

    from .backend import Backend, Context

#: From the end of stdin to the exit at the latest, whatever hangs; the host waits a little longer before it uses force.
EXIT_SECONDS = 3.5
CANCEL_SECONDS = 1.5


def serve(backend: Callable[[Context], Backend]) -> NoReturn:
    """
    Answers the host on stdin and stdout, until stdin ends or SIGTERM comes; then it stops the backend and exits.
    Give it your class, and call it first of all: import what is heavy, or might print, in the class's `__init__`.
    """
    label = _label(backend)
    #: The exit code, each time that there is a reason to end.
    ends: SimpleQueue[int] = SimpleQueue()
    if current_thread() is main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            # A queue, since it may be filled by a signal while it is being read.
            signal.signal(number, lambda _number, _frame: ends.put(0))
    source, sink = take_streams()
    writer = Writer(sink, lambda: ends.put(0))
    session = Session(backend, writer)
    late: SimpleQueue[int] = SimpleQueue()
    for work in (lambda: ends.put(_read(source, session, label)), lambda: _exit_late(late.get())):
        Thread(target=work, name="lmapp-serve", daemon=True).start()
    code = ends.get()
    late.put(code)
    _end(session, writer, code)


def _label(backend: Callable[[Context], Backend]) -> str:
    name, version = getattr(backend, "name", None), getattr(backend, "version", None)
    if not (isinstance(name, str) and name and isinstance(version, str) and version):
        raise TypeError("A backend must have a name and a version, as members of its class.")
    return f"{name} {version}"


def _read(source: int, session: Session, label: str) -> int:
    """The exit code."""
    try:
        for message in read_messages(source):
            session.receive(message)
        return 0
    except BrokenLine as broken:
        print(f"{label}: The line from the host broke: {broken}", file=sys.stderr, flush=True)
    except BaseException as error:
        report(error)
    return 1


def _end(session: Session, writer: Writer, code: int) -> NoReturn:
    """By `os._exit`: threads that hang, and streams that they hold, must not hold up the exit."""
    try:
        session.cancel_all(CANCEL_SECONDS)
        session.close()
    except BaseException as error:
        report(error)
        code = 1
    try:
        # What the interpreter's own end would do: temporary folders, logs.
        atexit._run_exitfuncs()
        _drain(writer)
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _exit_late(code: int) -> None:
    sleep(EXIT_SECONDS)
    os._exit(code)


def _drain(writer: Writer) -> None:
    written = Event()
    writer.later(written.set)
    written.wait()
