"""Parts of an answer as JSON, and never half a character."""

from __future__ import annotations

from json.encoder import encode_basestring

from .errors import BackendError
from .wire import to_json, to_well_formed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class PartEncoder:
    """For one chat. A half character at the end of a delta waits for the next one; what waits at the end is dropped."""

    def __init__(self) -> None:
        self._held: dict[str, str] = {}

    def encode(self, part: Any) -> bytes | None:
        """Of a str or a dict that `chat` yielded; None for a delta without text."""
        if isinstance(part, str):
            if not part:
                return None
            if not self._held and part.isascii():
                return b'{"type":"text-delta","text":' + encode_basestring(part).encode() + b"}"
            part = {"type": "text-delta", "text": part}
        if not isinstance(part, dict) or not isinstance(part.get("type"), str):
            raise BackendError("engine-failed", f"chat() must yield a str or a dict with a type, not {_shown(part)}.")
        return self._encode_part(part, part["type"])

    def _encode_part(self, part: dict[str, Any], type: str) -> bytes | None:
        if type == "finish":
            raise BackendError("engine-failed", "chat() must return how it ended, not yield it.")
        if type in ("text-delta", "reasoning-delta"):
            if not isinstance(part.get("text"), str):
                raise BackendError("engine-failed", f"A {type} must have a text: {_shown(part)}.")
            text = self._hold_back(type, part["text"])
            if not text:
                return None
            part = {**part, "text": text}
        return to_json(part)

    def _hold_back(self, type: str, text: str) -> str:
        text = self._held.pop(type, "") + text
        if text and "\ud800" <= text[-1] <= "\udbff":
            self._held[type] = text[-1]
            text = text[:-1]
        try:
            text.encode()
        except UnicodeEncodeError:
            return to_well_formed(text)
        return text


def _shown(value: object) -> str:
    return repr(value)[:100]
