"""Start and stop of a backend: each happens once, however often it is asked for."""

from __future__ import annotations

from threading import Lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .backend import Backend


class Lifecycle:
    def __init__(self, backend: Backend) -> None:
        self.state = "stopped"
        self._backend = backend
        # What `__init__` opened must be closed too.
        self._needs_stop = True
        self._lock = Lock()

    def start(self) -> None:
        """A second call waits for the first."""
        with self._lock:
            if self.state == "running":
                return
            self.state, self._needs_stop = "starting", True
            try:
                self._backend.start()
            except BaseException:
                self.state = "failed"
                raise
            self.state = "running"

    def stop(self) -> None:
        """Waits for a start to end."""
        with self._lock:
            if not self._needs_stop:
                return
            self.state, self._needs_stop = "stopping", False
            try:
                self._backend.stop()
            finally:
                self.state = "stopped"
