"""What plugins of llm raise, as errors of the contract: told apart by class, code and status, never by words."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

from lmapp_backend import BackendError

if TYPE_CHECKING:
    from .catalogue import Entry

_CODE_OF_STATUS = {401: "unauthorized", 403: "forbidden", 404: "model-not-found", 429: "rate-limited"}
#: Of httpx, httpx2, requests and the clients of vendors, none of which needs to be installed.
_UNREACHABLE = {"APIConnectionError", "TransportError", "ConnectionError"}


def to_backend_error(error: Exception, entry: Entry) -> BackendError:
    import llm

    message = f"{entry.id}: {error}" if str(error) else f"{entry.id}: {type(error).__name__}"
    if isinstance(error, llm.NeedsKeyException):
        # llm's own words name a variable of the environment, which a plugin of lmapp is not given.
        return BackendError(
            "unauthorized", f'{entry.id} needs a key, and llm has none named "{entry.key}".', hint=_key_hint(entry)
        )
    if getattr(error, "code", None) == "context_length_exceeded":
        return BackendError("context-overflow", message)
    status = _status_of(error)
    if status in _CODE_OF_STATUS:
        code = _CODE_OF_STATUS[status]
        return BackendError(code, message, hint=_key_hint(entry) if code == "unauthorized" else None)
    if any(kind.__name__ in _UNREACHABLE for kind in type(error).__mro__):
        return BackendError("backend-unreachable", message)
    if isinstance(error, llm.ConversationNotSupported):
        return BackendError("unsupported", message, hint="Ask in a new conversation")
    # A plain ValueError is how libraries say that they do not take what they were given.
    if isinstance(error, llm.ModelError) or type(error) is ValueError or (status is not None and 400 <= status < 500):
        return BackendError("backend-refused", message)
    return BackendError("engine-failed", message)


def unsupported(entry: Entry, what: str, capability: str) -> BackendError:
    return BackendError("unsupported", f"{entry.id} {what}.", details={"model": entry.id, "capability": capability})


def _key_hint(entry: Entry) -> str | None:
    if not entry.key:
        return None
    return f"Run: {shlex.quote(sys.executable)} -m llm keys set {shlex.quote(entry.key)}"


def _status_of(error: Exception) -> int | None:
    for holder in (error, getattr(error, "response", None)):
        status = getattr(holder, "status_code", None)
        if isinstance(status, int):
            return status
    return None
