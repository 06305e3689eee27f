"""Messages of a request, as turns: what was said, and what was answered."""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import llm
from lmapp_backend import BackendError

if TYPE_CHECKING:
    from typing import Any


@dataclass
class Turn:
    system: str = ""
    texts: list[str] = field(default_factory=list)
    attachments: list[llm.Attachment] = field(default_factory=list)
    results: list[llm.ToolResult] = field(default_factory=list)
    #: None in the turn that is to be answered.
    answer: str | None = None
    calls: list[llm.ToolCall] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "\n\n".join(filter(None, self.texts))


def to_turns(messages: list[dict[str, Any]]) -> list[Turn]:
    """The last one is to be answered. Raises `bad-input`."""
    turns = [Turn()]
    for message in messages:
        content = [item for item in message["content"] if isinstance(item, dict)]
        turn = turns[-1]
        if message["role"] == "assistant":
            turn.answer = _to_text(content)
            turn.calls = [_to_call(item) for item in content if item.get("type") == "tool-call"]
            turns.append(Turn())
        elif message["role"] == "system":
            turn.system = "\n\n".join(filter(None, (turn.system, _to_text(content))))
        else:
            turn.results += [_to_result(item) for item in content if item.get("type") == "tool-result"]
            turn.attachments += [_to_attachment(item) for item in content if item.get("type") == "image"]
            turn.texts.append(_to_text(content))
    return turns


def _to_text(content: list[dict[str, Any]]) -> str:
    return "".join(
        _to_fenced_file(item) if item["type"] == "file" else item["text"] for item in content if _has_text(item)
    )


def _has_text(item: dict[str, Any]) -> bool:
    return item.get("type") in ("text", "file") and isinstance(item.get("text"), str)


def _to_fenced_file(file: dict[str, Any]) -> str:
    """Its name, then its text in a fence longer than any run of backticks inside."""
    text: str = file["text"]
    fence = "`" * (1 + max(2, *(len(run) for run in ["", *re.findall("`+", text)])))
    end = "" if text.endswith("\n") else "\n"
    return f"{file.get('name', 'file')}\n{fence}\n{text}{end}{fence}\n\n"


def _to_attachment(image: dict[str, Any]) -> llm.Attachment:
    try:
        content = base64.b64decode(image["data"], validate=True)
        return llm.Attachment(type=str(image["mediaType"]), content=content)
    except (binascii.Error, KeyError, TypeError, ValueError):
        raise BackendError("bad-input", "An image must have a mediaType, and data as base64.") from None


def _to_call(item: dict[str, Any]) -> llm.ToolCall:
    text = str(item.get("arguments", ""))
    try:
        arguments = json.loads(text or "{}")
    except ValueError:
        arguments = None
    if not isinstance(arguments, dict):
        arguments = {"arguments": text}
    return llm.ToolCall(name=str(item.get("name", "")), arguments=arguments, tool_call_id=item.get("id"))


def _to_result(item: dict[str, Any]) -> llm.ToolResult:
    text = str(item.get("text", ""))
    failed = RuntimeError(text) if item.get("isError") else None
    return llm.ToolResult(name=str(item.get("name", "")), output=text, tool_call_id=item.get("id"), exception=failed)
