"""A backend, made by `hello`."""

from __future__ import annotations

from .lifecycle import Lifecycle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .backend import Backend


class Opened:
    def __init__(self, backend: Backend, hello: dict[str, Any]) -> None:
        self.backend = backend
        self.hello = hello
        self.lifecycle = Lifecycle(backend)

    def optional(self, method: str) -> Callable[..., Any]:
        return getattr(self.backend, method)  # type: ignore[no-any-return]

    @property
    def patience(self) -> float:
        """Seconds that an engine has to end after a cancel: half of what the host waits."""
        return float(self.hello["cancelDeadlineMs"]) / 2000
