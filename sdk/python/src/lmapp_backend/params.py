"""Parameters of requests. Each raises `bad-input` for what is wrong; members that nobody knows are ignored."""

from __future__ import annotations

from .errors import BackendError
from .wire import MAX_LINE_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

DEFAULT_CREDIT = 256
DEFAULT_INLINE_BYTES = 1024 * 1024
DEFAULT_CANCEL_MS = 5000


def to_object(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(name, "an object")
    return value


def to_text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise _wrong(name, "a text")
    return value


def to_texts(value: Any, name: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise _wrong(name, "a list of texts")
    return value


def to_model(params: Any) -> str:
    return to_text(to_object(params, "params").get("model"), "model")


def to_messages(value: Any, name: str) -> list[dict[str, Any]]:
    if not isinstance(value, list):
        raise _wrong(name, "a list of messages")
    for message in value:
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            raise _wrong(name, "messages with role and content")
        if not isinstance(message.get("content"), list):
            raise _wrong(name, "messages with role and content")
    return value


def to_tools(value: Any) -> list[dict[str, Any]]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(tool, dict) for tool in value):
        raise _wrong("tools", "a list of tools")
    return value


def to_chat_request(value: Any) -> dict[str, Any]:
    request = to_object(value, "request")
    to_text(request.get("model"), "request.model")
    to_messages(request.get("messages"), "request.messages")
    return request


def to_hello(value: Any) -> dict[str, Any]:
    """With every member that this side reads."""
    params = to_object(value, "params")
    limits = _or_empty(params.get("limits"))
    return {
        "interfaceVersions": to_texts(params.get("interfaceVersions"), "interfaceVersions"),
        "nonce": to_text(params.get("nonce"), "nonce"),
        "config": _or_empty(params.get("config")),
        "secrets": {key: item for key, item in _or_empty(params.get("secrets")).items() if isinstance(item, str)},
        "dataDir": to_text(params.get("dataDir"), "dataDir"),
        "exchangeDir": to_text(params.get("exchangeDir"), "exchangeDir"),
        "maxLineBytes": to_count(limits.get("maxLineBytes"), MAX_LINE_BYTES),
        "inlineLimitBytes": to_count(limits.get("inlineLimitBytes"), DEFAULT_INLINE_BYTES),
        "cancelDeadlineMs": to_count(limits.get("cancelDeadlineMs"), DEFAULT_CANCEL_MS),
    }


def to_count(value: Any, otherwise: int) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
        return otherwise
    return int(min(value, 2**53))


def _or_empty(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _wrong(name: str, expected: str) -> BackendError:
    return BackendError("bad-input", f'"{name}" must be {expected}.', details={"name": name})
