"""The backend. Importing llm takes long, so it happens in `start`, not before `hello` is answered."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from lmapp_backend import Backend, BackendError

from . import __version__
from .turns import Turns

if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any

    from lmapp_backend import Call, Context

    from .catalogue import Catalogue


class LlmBackend(Backend):
    name = "python-llm"
    version = __version__
    capabilities = {
        "chat": "yes",
        "tools": "yes",
        "json-schema": "yes",
        "vision": "yes",
        "reasoning": "unknown",
        "embed": "yes",
    }

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.engine_version = version("llm")
        self.description = f"llm {self.engine_version} and its plugins"
        self._turns = Turns()
        self._catalogue: Catalogue | None = None

    def start(self) -> None:
        if self._catalogue is None:
            from .catalogue import open_catalogue

            self._catalogue = open_catalogue(self.context)

    def list_models(self) -> list[dict[str, Any]]:
        return self._started().list()

    def chat(self, request: dict[str, Any], call: Call) -> Generator[Any, None, dict[str, Any]]:
        from .chat import answer

        entry = self._started().find(request["model"])
        return (yield from answer(entry, request, call, self._turns))

    def embed(self, model: str, input: list[str]) -> list[list[float]]:
        from .embed import embed

        return embed(self._started().find(model), input, self._turns)

    def _started(self) -> Catalogue:
        if self._catalogue is None:
            raise BackendError("backend-stopped", "llm is not loaded: start comes first.")
        return self._catalogue
