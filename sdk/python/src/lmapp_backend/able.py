"""What is refused before a backend is asked."""

from __future__ import annotations

from collections.abc import Mapping

from .backend import Backend, to_capabilities
from .errors import BackendError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def assert_able(request: dict[str, Any], backend: Backend) -> None:
    """Raises `unsupported` for what the capabilities deny, `bad-input` and `model-not-found`."""
    messages = request["messages"]
    if not messages:
        raise BackendError("bad-input", "There are no messages to answer.")
    capabilities = to_capabilities(backend)
    for name, what in _wanted(request):
        if capabilities.get(name) == "no":
            raise BackendError("unsupported", f"This backend cannot {what}.", details={"capability": name})
    if request.get("continue") is True and messages[-1]["role"] != "assistant":
        raise BackendError("bad-input", "To go on, the last message must be the answer that was begun.")
    model, known = request["model"], [known["id"] for known in list_models(backend)]
    if model not in known:
        details = {"model": model, "known": known}
        raise BackendError("model-not-found", f'"{backend.name}" has no model "{model}".', details=details)


def without_denied(request: dict[str, Any], backend: Backend) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """An answer without log probabilities is an answer: the request without the wish, and a warning."""
    options = request.get("options")
    if not isinstance(options, dict) or options.get("logprobs") is None:
        return request, []
    if to_capabilities(backend).get("logprobs") != "no":
        return request, []
    warning = {
        "type": "warning",
        "code": "unsupported-setting",
        "setting": "options.logprobs",
        "message": "This backend tells no log probabilities.",
    }
    left = {name: value for name, value in options.items() if name != "logprobs"}
    return {**request, "options": left}, [warning]


def list_models(backend: Backend) -> list[dict[str, Any]]:
    models = [dict(model) if isinstance(model, Mapping) else model for model in backend.list_models()]
    for model in models:
        if not isinstance(model, dict) or not isinstance(model.get("id"), str):
            raise BackendError("engine-failed", f"list_models() must give dicts with an id, not {model!r:.100}.")
    return models


def _wanted(request: dict[str, Any]) -> list[tuple[str, str]]:
    """Capability and words."""
    contents = (item for message in request["messages"] for item in message["content"])
    images = any(isinstance(item, dict) and item.get("type") == "image" for item in contents)
    wanted = [
        (request.get("continue") is True, "continue", "go on with an answer that was begun"),
        (bool(request.get("tools")), "tools", "call tools"),
        (request.get("schema") is not None, "json-schema", "keep to a JSON Schema"),
        (images, "vision", "see images"),
        (request.get("reasoning") not in (None, False), "reasoning", "think before it answers"),
    ]
    return [(name, what) for is_wanted, name, what in wanted if is_wanted]
