"""Loads llm's plugins, and asks them for their models. One that is broken is left out and harms no other."""

from __future__ import annotations

import os
import re
import shlex
import sys
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from lmapp_backend import BackendError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    Log = Callable[[Any, str], object]


def add_folder(path: str) -> None:
    """Of packages, as `pip install --target` fills it; what is installed here goes before. Raises `config-invalid`."""
    folder = os.path.expanduser(path)
    if not os.path.isdir(folder):
        hint = f"Run: python3 -m pip install --target {shlex.quote(folder)} llm-gguf"
        raise BackendError(
            "config-invalid", f"The pluginsDir {folder} is no folder.", hint=hint, details={"path": folder}
        )
    sys.path.append(folder)


def load_plugins(wanted: list[str] | None, log: Log) -> None:
    """Of these packages, or of all. Raises `config-invalid` for a package that is not there."""
    # llm itself would load all or none: a plugin that cannot be imported ends its list of models.
    os.environ["LLM_LOAD_PLUGINS"] = ""
    from llm.plugins import load_plugins as load_own_plugins
    from llm.plugins import pm

    load_own_plugins()
    for entry_point in _choose(list(entry_points(group="llm")), wanted):
        if pm.has_plugin(entry_point.name):
            continue
        try:
            pm.register(entry_point.load(), name=entry_point.name)
        except Exception as error:
            _leave_out(entry_point.name, error, log)


def call_hook(name: str, arguments: dict[str, Any], log: Log) -> None:
    """In the order of pluggy."""
    from llm.plugins import pm

    for implementation in reversed(getattr(pm.hook, name).get_hookimpls()):
        try:
            implementation.function(*(arguments[argument] for argument in implementation.argnames))
        except Exception as error:
            _leave_out(implementation.plugin_name, error, log)


def _choose(found: list[Any], wanted: Iterable[str] | None) -> list[Any]:
    if wanted is None:
        return found
    packages = [_normalize(entry_point.dist.name) for entry_point in found]
    for name in wanted:
        if _normalize(name) not in packages:
            raise BackendError(
                "config-invalid",
                f'There is no plugin of llm in a package "{name}".',
                hint="Install it beside lmapp-backend-llm, or take it out of loadPlugins: lmapp config edit",
                details={"package": name},
            )
    names = set(map(_normalize, wanted))
    return [entry_point for entry_point, package in zip(found, packages) if package in names]


def _normalize(package: str) -> str:
    return re.sub(r"[-_.]+", "-", package).lower()


def _leave_out(plugin: str, error: Exception, log: Log) -> None:
    log("warning", f"The plugin {plugin} of llm is left out: {type(error).__name__}: {error}")
