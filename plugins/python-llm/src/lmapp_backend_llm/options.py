"""Settings of a request as options of a model. Which names and values a model takes, its own `Options` class says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic import ValidationError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    import llm

    Candidate = tuple[str, Any]

#: What plugins call each setting; the usual name first.
_NAMES = {
    "temperature": ("temperature", "temp"),
    "topP": ("top_p",),
    "topK": ("top_k",),
    "minP": ("min_p",),
    "repeatPenalty": ("repeat_penalty", "repetition_penalty"),
    "presencePenalty": ("presence_penalty",),
    "frequencyPenalty": ("frequency_penalty",),
    "seed": ("seed", "random_seed"),
    "maxTokens": (
        "max_tokens",
        "max_output_tokens",
        "max_completion_tokens",
        "num_predict",
        "max_new_tokens",
        "n_predict",
    ),
    "stop": ("stop", "stop_sequences"),
    "contextLength": ("num_ctx", "n_ctx", "context_length"),
}
_REASONING: dict[Any, list[Candidate]] = {
    True: [("think", True), ("thinking", True), ("reasoning_effort", "medium")],
    False: [("think", False), ("thinking", False), ("reasoning_effort", "none"), ("thinking_budget", 0)],
}


@dataclass
class Settings:
    """What is given to the model, what is done here, and what nobody does."""

    options: dict[str, Any] = field(default_factory=dict)
    #: Sequences that the model has no option for: the answer is cut at them here.
    stop: list[str] = field(default_factory=list)
    #: Given to the model.
    max_tokens: int | None = None
    warnings: list[dict[str, Any]] = field(default_factory=list)


def to_settings(model: llm.Model | llm.KeyModel, request: dict[str, Any]) -> Settings:
    settings = Settings()
    for name, value in (request.get("options") or {}).items():
        _set(model, settings, name, value)
    reasoning = request.get("reasoning")
    if reasoning is not None and not _accept(model, settings, _reasoning_candidates(reasoning)):
        _warn(model, settings, "reasoning", reasoning)
    for name, value in (request.get("vendor") or {}).items():
        if not _accept(model, settings, [(name, value)]):
            _warn(model, settings, f"vendor.{name}", value)
    choice = request.get("toolChoice")
    if request.get("tools") and choice not in (None, "auto", "none"):
        _warn(model, settings, "toolChoice", choice)
    return settings


def _set(model: llm.Model | llm.KeyModel, settings: Settings, name: str, value: Any) -> None:
    if value is None or value == []:
        return
    values = [value]
    if name == "stop" and len(value) == 1:
        values += value
    accepted = _accept(model, settings, [(own, one) for own in _NAMES.get(name, ()) for one in values])
    if accepted and name == "maxTokens":
        settings.max_tokens = value
    elif not accepted and name == "stop":
        settings.stop = value
    elif not accepted:
        _warn(model, settings, f"options.{name}", value)


def _reasoning_candidates(reasoning: Any) -> list[Candidate]:
    return _REASONING.get(reasoning) or [("reasoning_effort", reasoning), ("thinking_level", reasoning)]


def _accept(model: llm.Model | llm.KeyModel, settings: Settings, candidates: Iterable[Candidate]) -> bool:
    """Takes the first that the model has and, beside those it has been given so far, allows."""
    fields = model.Options.model_fields
    for name, value in candidates:
        if name not in fields or name in settings.options:
            continue
        try:
            model.Options(**{**settings.options, name: value})
        except (ValidationError, ValueError, TypeError):
            continue
        settings.options[name] = value
        return True
    return False


def _warn(model: llm.Model | llm.KeyModel, settings: Settings, setting: str, value: Any) -> None:
    message = f"{model.model_id} takes no such setting: {setting} {value!r:.60}."
    settings.warnings.append({"type": "warning", "code": "unsupported-setting", "setting": setting, "message": message})
