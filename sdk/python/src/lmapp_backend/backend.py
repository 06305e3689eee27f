"""What the author of a backend writes."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any, Literal

    from .call import Call


class Context:
    """What the host gives to a backend."""

    def __init__(self, hello: Mapping[str, Any], notify: Any) -> None:
        #: As the manifest's `config_schema` describes it; checked by the host.
        self.config: dict[str, Any] = hello["config"]
        #: Never log them, never pass them on in arguments or environment.
        self.secrets: dict[str, str] = hello["secrets"]
        #: The backend's own folder for what it keeps.
        self.data_dir: str = hello["dataDir"]
        self._notify = notify

    def log(self, level: Literal["debug", "info", "warning", "error"], text: str) -> None:
        """A line for people, into the backend's log."""
        self._notify("log", {"level": level, "message": str(text)})

    def models_changed(self) -> None:
        """Tells the host to ask for the models again."""
        self._notify("models_changed", {})

    def state_changed(self) -> None:
        """Tells the host to ask for the health again."""
        self._notify("state_changed", {})


class Backend:
    """
    Inherit, name it, list its models and write `chat`. Every method is called in a thread of its own, several at once.
    Raise `BackendError` for what can be expected to fail; anything else counts as `engine-failed`.

    These methods are there only in the class that defines them, and are `yes` among its capabilities:
    `embed(model, input)`, `count_tokens(model, messages, tools=None)`, `load_model(model)`, `unload_model(model)`,
    `pull_model(model)`, `remove_model(model)`; and, without a capability, `show_model(model)` and `is_running()`.
    """

    name: str = ""
    version: str = ""
    #: What is not named here, and has no method, is `no`.
    capabilities: Mapping[str, str | int] = {}
    #: A chat with another model than these is `model-not-found`. Where they change, write `list_models`.
    models: Sequence[Mapping[str, Any]] = ()
    #: For people: what engine at which address.
    description: str | None = None
    engine_version: str | None = None

    def __init__(self, context: Context) -> None:
        """Within 30 seconds of the start of the process; models are loaded later, by a chat."""
        self.context = context

    def start(self) -> None:
        """Makes the engine ready to be asked. Called once until `stop`."""

    def stop(self) -> None:
        """Ends what `__init__` and `start` began; chats have ended by then. Also called at the end of the process."""

    def list_models(self) -> Iterable[Mapping[str, Any]]:
        """Asked before each chat too."""
        return self.models

    def chat(self, request: dict[str, Any], call: Call) -> Iterator[str | dict[str, Any]]:
        """
        A generator. It yields a str for a delta of text, and a dict for any other part; it may return how it ended.
        A `yield` waits until the host takes more, and is left when the host cancels. Asked only for what the
        capabilities do not deny.
        """
        raise NotImplementedError(f"{type(self).__name__} has no chat().")


#: Capability names, with the method that each needs.
_METHOD_OF = {
    **dict.fromkeys(("chat", "continue", "tools", "json-schema", "vision", "reasoning", "logprobs"), "chat"),
    "embed": "embed",
    "count-tokens": "count_tokens",
    "load": "load_model",
    "unload": "unload_model",
    "pull": "pull_model",
    "remove": "remove_model",
}


def to_info(backend: Backend, interface_version: str) -> dict[str, Any]:
    """The answer of `get_info`."""
    info: dict[str, Any] = {
        "name": backend.name,
        "version": backend.version,
        "interfaceVersion": interface_version,
        "capabilities": to_capabilities(backend),
    }
    if backend.description is not None:
        info["description"] = backend.description
    if backend.engine_version is not None:
        info["engineVersion"] = backend.engine_version
    return info


def to_capabilities(backend: Backend) -> dict[str, Any]:
    """What the class says, but nothing for which it has no method."""
    said = dict(backend.capabilities)
    for name, method in _METHOD_OF.items():
        if not hasattr(backend, method):
            said[name] = "no"
        elif name not in said:
            said[name] = "yes" if method != "chat" or name == "chat" else "no"
    return said
