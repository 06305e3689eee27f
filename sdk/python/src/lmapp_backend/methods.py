"""The methods of the contract, over the methods of a backend. Each runs in a thread of its own."""

from __future__ import annotations

from binascii import b2a_base64

from .able import list_models
from .backend import to_info
from .files import resolve_large, to_vector_bytes, write_file_value
from .params import to_messages, to_model, to_object, to_texts, to_tools

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .opened import Opened

INTERFACE_VERSION = "1.0"


def _list_models(opened: Opened, _params: Any) -> Any:
    return {"models": list_models(opened.backend)}


def _count_tokens(opened: Opened, params: Any) -> Any:
    members = to_object(params, "params")
    messages = to_messages(resolve_large(members.get("messages"), opened.hello["exchangeDir"]), "messages")
    count_tokens, tools = opened.optional("count_tokens"), to_tools(members.get("tools"))
    if tools and _takes(count_tokens, "tools"):
        count = count_tokens(to_model(params), messages, tools=tools)
        tools = None
    else:
        count = count_tokens(to_model(params), messages)
    result = dict(count) if isinstance(count, dict) else {"tokens": count, "exact": False}
    return {"tokens": result["tokens"] + _estimate(tools), "exact": False} if tools else result


def _takes(method: Callable[..., Any], name: str) -> bool:
    from inspect import signature

    return name in signature(method).parameters


def _estimate(tools: Any) -> int:
    """Of what their JSON has in tokens: a token for three bytes."""
    from json import dumps

    return len(dumps(tools, ensure_ascii=False).encode("utf-8", "surrogatepass")) // 3 + 1


def _embed(opened: Opened, params: Any) -> Any:
    texts = resolve_large(to_object(params, "params").get("input"), opened.hello["exchangeDir"])
    answer = opened.optional("embed")(to_model(params), to_texts(texts, "input"))
    members = dict(answer) if isinstance(answer, dict) else {"vectors": answer}
    rows, dimensions = to_vector_bytes(members["vectors"])
    if sum(map(len, rows)) > opened.hello["inlineLimitBytes"]:
        vectors: Any = write_file_value(opened.hello["exchangeDir"], b"".join(rows))
    else:
        vectors = [b2a_base64(row, newline=False).decode() for row in rows]
    return {**members, "vectors": vectors, "dimensions": dimensions}


def _with_model(name: str, answers: bool = False) -> Callable[[Opened, Any], Any]:
    def call(opened: Opened, params: Any) -> Any:
        result = opened.optional(name)(to_model(params))
        return result if answers else None

    return call


METHODS: dict[str, Callable[[Opened, Any], Any]] = {
    "start": lambda opened, _params: opened.lifecycle.start(),
    "get_info": lambda opened, _params: to_info(opened.backend, INTERFACE_VERSION),
    "list_models": _list_models,
    "show_model": _with_model("show_model", answers=True),
    "count_tokens": _count_tokens,
    "embed": _embed,
    "load_model": _with_model("load_model"),
    "unload_model": _with_model("unload_model"),
    "remove_model": _with_model("remove_model"),
}
OPTIONAL_METHODS = frozenset(
    ("show_model", "embed", "count_tokens", "load_model", "unload_model", "pull_model", "remove_model")
)
