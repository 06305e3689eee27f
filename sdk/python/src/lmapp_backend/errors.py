"""Errors as they go over the line. A test compares the table with `specs/errors.md`."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

#: The JSON-RPC number of each code.
ERROR_NUMBERS = {
    "internal": -32603,
    "bad-input": -32602,
    "not-supported-yet": -32001,
    "unsupported": -32002,
    "confirmation-needed": -32003,
    "config-invalid": -32004,
    "not-found": -32005,
    "not-owner": -32006,
    "method-not-found": -32601,
    "no-backend": -32010,
    "backend-unreachable": -32011,
    "backend-not-identified": -32012,
    "backend-refused": -32013,
    "candidates-failed": -32014,
    "model-not-found": -32020,
    "model-ambiguous": -32021,
    "backend-start-failed": -32030,
    "model-load-failed": -32031,
    "engine-failed": -32032,
    "protocol-violation": -32033,
    "interface-version": -32034,
    "backend-stopped": -32035,
    "model-too-large": -32036,
    "wrong-model": -32037,
    "context-overflow": -32040,
    "stream-incomplete": -32050,
    "stream-malformed": -32051,
    "engine-died": -32052,
    "answer-empty": -32053,
    "prompt-truncated": -32054,
    "content-filtered": -32055,
    "schema-mismatch": -32057,
    "run-crashed": -32056,
    "stalled": -32060,
    "unauthorized": -32070,
    "forbidden": -32071,
    "disk-full": -32080,
    "store-corrupt": -32081,
    "store-newer": -32082,
    "store-failed": -32083,
    "service-unavailable": -32084,
    "service-version": -32085,
    "port-in-use": -32086,
    "path-unusable": -32087,
    "download-failed": -32088,
    "checksum-mismatch": -32089,
    "not-a-model": -32090,
    "offline": -32091,
    "tool-missing": -32092,
    "busy": -32100,
    "rate-limited": -32101,
    "cancelled": -32800,
}


class BackendError(Exception):
    """What can be expected to fail, under a code of `specs/errors.md`. An unknown code counts as `engine-failed`."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        hint: str | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.details = details


def to_rpc_error(error: BaseException) -> dict[str, Any]:
    """Any other exception is `engine-failed`, with its own words."""
    if not isinstance(error, BackendError):
        error = BackendError("engine-failed", str(error) or type(error).__name__)
    data: dict[str, Any] = {"code": error.code}
    if error.hint is not None:
        data["hint"] = error.hint
    if error.details is not None:
        data["details"] = dict(error.details)
    number = ERROR_NUMBERS.get(error.code, ERROR_NUMBERS["engine-failed"])
    return {"code": number, "message": error.message, "data": data}
