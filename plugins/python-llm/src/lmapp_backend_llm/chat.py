"""One chat, from the request to its end."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import llm
from lmapp_backend import BackendError

from .content import to_turns
from .conversation import open_response
from .errors import to_backend_error, unsupported
from .finish import to_finish, to_usage
from .options import to_settings
from .stop_sequences import StopSequences

if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any

    from llm.models import KeyModel, Model
    from lmapp_backend import Call

    from .catalogue import Entry
    from .content import Turn
    from .options import Settings
    from .turns import Turns


def answer(entry: Entry, request: dict[str, Any], call: Call, turns: Turns) -> Generator[Any, None, dict[str, Any]]:
    """Yields the parts, and returns how it ended. Raises `BackendError` only."""
    conversation = to_turns(request["messages"])
    model = _check(entry, request, conversation)
    settings = to_settings(model, request)
    yield from settings.warnings
    if not turns.is_free(entry.id, entry.parallel):
        yield {"type": "status", "phase": "queued"}
    with turns.take(entry.id, entry.parallel, call) as taken:
        if not taken:
            return {"reason": "cancelled"}
        try:
            response = _open(model, request, conversation, settings)
            return (yield from _read(response, settings, call))
        except Exception as error:
            raise to_backend_error(error, entry) from error


def _check(entry: Entry, request: dict[str, Any], conversation: list[Turn]) -> Model | KeyModel:
    """The model that can do all that is asked."""
    model = entry.chat
    if not request["messages"]:
        raise BackendError("bad-input", "There is no message to answer.")
    if model is None:
        raise unsupported(entry, "makes vectors, and answers nothing", "chat")
    if request.get("continue"):
        raise unsupported(entry, "cannot go on with an answer", "continue")
    if request.get("schema") and not model.supports_schema:
        raise unsupported(entry, "cannot be held to a schema", "json-schema")
    if _tools(request) and not model.supports_tools:
        raise unsupported(entry, "cannot call tools", "tools")
    for attachment in (attachment for turn in conversation for attachment in turn.attachments):
        if attachment.type not in model.attachment_types:
            raise unsupported(entry, f"cannot read {attachment.type}", "vision")
    return model


def _open(model: Any, request: dict[str, Any], conversation: list[Turn], settings: Settings) -> llm.Response:
    return open_response(
        model,
        conversation,
        settings.options,
        schema=request.get("schema"),
        tools=[_to_tool(tool) for tool in _tools(request)],
        stream=model.can_stream,
    )


def _tools(request: dict[str, Any]) -> list[dict[str, Any]]:
    return [] if request.get("toolChoice") == "none" else request.get("tools") or []


def _to_tool(tool: dict[str, Any]) -> llm.Tool:
    """Without an implementation: the host runs it."""
    return llm.Tool(name=tool["name"], description=tool.get("description"), input_schema=tool.get("parameters") or {})


def _read(response: llm.Response, settings: Settings, call: Call) -> Generator[Any, None, dict[str, Any]]:
    stop = StopSequences(settings.stop)
    events = response.stream_events()
    try:
        for event in events:
            if event.type == "text":
                yield stop.push(event.chunk)
            elif event.type == "reasoning" and event.chunk:
                yield {"type": "reasoning-delta", "text": event.chunk}
            if stop.reached:
                return {"reason": "stop", "usage": to_usage(response)}
        yield stop.rest()
    finally:
        # Ends the plugin's own generator, before another chat has its turn.
        events.close()
        call.usage = to_usage(response)
    for asked in response.tool_calls():
        yield {"type": "tool-call", "id": asked.tool_call_id, "name": asked.name, "arguments": _to_raw(asked.arguments)}
    return to_finish(response, settings.max_tokens)


def _to_raw(arguments: Any) -> str:
    return arguments if isinstance(arguments, str) else json.dumps(arguments or {}, ensure_ascii=False)
