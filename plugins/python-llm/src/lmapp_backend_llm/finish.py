"""How an answer ended. llm has no word for it; what a plugin leaves of the engine's own words is looked through."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    import llm

_REASONS = {
    **dict.fromkeys(("length", "max_tokens", "max_output_tokens", "model_length"), "length"),
    **dict.fromkeys(("content_filter", "safety", "refusal", "prohibited_content", "blocklist"), "content-filter"),
}
#: Where OpenAI, Anthropic, Ollama and Gemini say it.
_MEMBERS = ("finish_reason", "stop_reason", "done_reason", "finishReason")


def to_finish(response: llm.Response, max_tokens: int | None) -> dict[str, Any]:
    """`stop` where nothing says otherwise."""
    usage = to_usage(response)
    if response.tool_calls():
        reason = "tool-calls"
    else:
        said = _find(response.response_json, _MEMBERS)
        reason = _REASONS.get(str(said).lower(), "stop")
        if reason == "stop" and max_tokens is not None and usage.get("outputTokens", 0) >= max_tokens:
            reason = "length"
    return {"reason": reason, "usage": usage}


def to_usage(response: llm.Response) -> dict[str, int]:
    """As far as the plugin says it."""
    counts = {
        "inputTokens": response.input_tokens,
        "outputTokens": response.output_tokens,
        "cachedTokens": _find(response.token_details, ("cached_tokens", "cache_read_input_tokens")),
        "reasoningTokens": _find(response.token_details, ("reasoning_tokens", "thoughtsTokenCount")),
    }
    return {name: count for name, count in counts.items() if isinstance(count, int) and count >= 0}


def _find(value: Any, names: tuple[str, ...]) -> Any:
    """The first member of one of these names that holds something, at most four levels down."""
    level = [value]
    for _ in range(4):
        for item in level:
            if isinstance(item, dict):
                for name in names:
                    if item.get(name) is not None:
                        return item[name]
        level = [child for item in level for child in _children(item)]
    return None


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
