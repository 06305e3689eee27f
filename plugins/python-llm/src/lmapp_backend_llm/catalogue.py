"""The models of llm, by id and by alias."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from threading import Lock
from typing import TYPE_CHECKING

from lmapp_backend import BackendError

from .plugins import add_folder, call_hook, load_plugins

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from llm.models import EmbeddingModel, KeyModel, Model
    from lmapp_backend import Context

    Log = Callable[[Any, str], object]


@dataclass
class Entry:
    """What one id stands for; the same id may chat and embed."""

    id: str
    chat: Model | KeyModel | None = None
    embedding: EmbeddingModel | None = None
    aliases: set[str] = field(default_factory=set)
    #: Of `needs_key`: the chats that may run side by side; None for a model that runs elsewhere.
    parallel: int | None = None

    @property
    def key(self) -> str | None:
        """The name under which llm keeps the key that is needed."""
        models = (self.chat, self.embedding)
        return next((model.needs_key for model in models if model and model.needs_key), None)


def open_catalogue(context: Context) -> Catalogue:
    """Loads llm and its plugins. Raises `config-invalid`."""
    config = context.config
    if "userDir" in config:
        os.environ["LLM_USER_PATH"] = os.path.expanduser(config["userDir"])
    if context.secrets:
        context.log("warning", "The key of this backend is not used: llm has its own, from: llm keys set NAME")
    log = _once(context.log)
    if "pluginsDir" in config:
        add_folder(config["pluginsDir"])
    load_plugins(config.get("loadPlugins"), log)
    catalogue = Catalogue(config, log)
    catalogue.refresh()
    return catalogue


class Catalogue:
    def __init__(self, config: dict[str, Any], log: Log) -> None:
        self._only: list[str] | None = config.get("only")
        self._remote: bool = config.get("remote", False)
        self._parallel: int = config.get("parallel", 1)
        self._log = log
        self._entries: dict[str, Entry] = {}
        self._lock = Lock()

    def refresh(self) -> None:
        """Asks the plugins anew. A model that is known already stays the same object: it may hold its weights."""
        with self._lock:
            found = _collect(self._log)
            for id, entry in found.items():
                known = self._entries.get(id)
                if known:
                    entry.chat = entry.chat and known.chat or entry.chat
                    entry.embedding = entry.embedding and known.embedding or entry.embedding
                entry.parallel = None if entry.key else self._parallel
            self._entries = found

    def list(self) -> list[dict[str, Any]]:
        self.refresh()
        return [to_model_info(entry) for entry in self._entries.values() if self._shows(entry)]

    def find(self, name: str) -> Entry:
        """By id or alias, also a model that came later. Raises `model-not-found`."""
        entry = self._look_up(name)
        if entry is None:
            self.refresh()
            entry = self._look_up(name)
        if entry is None:
            raise BackendError("model-not-found", f'llm has no model "{name}".', details={"name": name})
        if not self._shows(entry):
            raise BackendError(
                "model-not-found",
                f'The model "{name}" of llm is not shown here.',
                hint=f"{_why(entry)} To allow it, change remote or only in the backend's config: lmapp config edit",
                details={"name": name},
            )
        return entry

    def _look_up(self, name: str) -> Entry | None:
        entries = self._entries
        return entries.get(name) or next((entry for entry in entries.values() if name in entry.aliases), None)

    def _shows(self, entry: Entry) -> bool:
        if self._only is not None:
            return any(fnmatchcase(entry.id, pattern) for pattern in self._only)
        return self._remote or entry.key is None


def _once(log: Log) -> Log:
    """The plugins are asked again and again; each complaint is made once."""
    said: set[str] = set()

    def say(level: str, text: str) -> None:
        if text not in said:
            said.add(text)
            log(level, text)

    return say


def _why(entry: Entry) -> str:
    return (
        "It needs a key: what it is asked leaves this machine." if entry.key else "It is not among the models of only."
    )


def to_model_info(entry: Entry) -> dict[str, Any]:
    chat = entry.chat
    sees = chat is not None and any(type.startswith("image/") for type in chat.attachment_types)
    capabilities: dict[str, Any] = {
        "chat": _to_support(bool(chat)),
        "continue": "no",
        "tools": _to_support(bool(chat and chat.supports_tools)),
        "json-schema": _to_support(bool(chat and chat.supports_schema)),
        "vision": _to_support(sees),
        "embed": _to_support(bool(entry.embedding)),
    }
    if not chat:
        capabilities["reasoning"] = "no"
    if entry.parallel is not None:
        capabilities["parallel"] = entry.parallel
    return {"id": entry.id, "capabilities": capabilities}


def _to_support(value: bool) -> str:
    return "yes" if value else "no"


def _collect(log: Log) -> dict[str, Entry]:
    from llm.models import ModelWithAliases

    entries: dict[str, Entry] = {}
    model_aliases: list[ModelWithAliases] = []

    def register(model: Any, async_model: Any = None, aliases: Any = None) -> None:
        model_aliases.append(ModelWithAliases(model, async_model, set(aliases or ())))

    def register_embedding(model: Any, aliases: Any = None) -> None:
        entry = entries.setdefault(model.model_id, Entry(model.model_id))
        entry.embedding = model
        entry.aliases.update(aliases or ())

    call_hook("register_models", {"register": register, "model_aliases": model_aliases}, log)
    for registered in model_aliases:
        if registered.model:
            entry = entries.setdefault(registered.model.model_id, Entry(registered.model.model_id))
            entry.chat = registered.model
            entry.aliases.update(registered.aliases)
    call_hook("register_embedding_models", {"register": register_embedding}, log)
    for alias, id in _read_aliases(log).items():
        if id in entries:
            entries[id].aliases.add(alias)
    return entries


def _read_aliases(log: Log) -> dict[str, str]:
    """Those that a user gave with `llm aliases set`."""
    import llm

    path = llm.user_dir() / "aliases.json"
    try:
        aliases = json.loads(path.read_text("utf-8"))
        return {alias: id for alias, id in aliases.items() if isinstance(id, str)}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError) as error:
        log("warning", f"{path} is left out: {error}")
        return {}
