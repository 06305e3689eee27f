"""Values that are too large for a line: files in the folder for exchange, and vectors as bytes."""

from __future__ import annotations

import json
import os
import stat
import sys
from array import array

from .errors import BackendError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

#: What is read into memory at most.
MAX_FILE_BYTES = 1024 * 1024 * 1024


def resolve_large(value: Any, exchange_dir: str) -> Any:
    """The value itself, or what its file holds."""
    if not is_file_value(value):
        return value
    content = read_file_value(exchange_dir, value)
    try:
        return json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError):
        raise BackendError("bad-input", "The file of a large value holds no JSON.") from None


def is_file_value(value: Any) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("file"), str):
        return False
    return isinstance(value.get("bytes"), int) and isinstance(value.get("sha256"), str)


def read_file_value(exchange_dir: str, value: dict[str, Any]) -> bytes:
    """Raises `protocol-violation` when it is not directly in the folder, no plain file, or not what it says it is."""
    from hashlib import sha256

    content = _read_exactly(_locate(exchange_dir, value), value)
    if sha256(content).hexdigest() != value["sha256"]:
        raise _violation("has another checksum than it says", value)
    return content


def write_file_value(exchange_dir: str, content: bytes) -> dict[str, Any]:
    """A new file, readable by its owner only. The host removes it."""
    from hashlib import sha256

    path = os.path.join(os.path.realpath(exchange_dir), os.urandom(16).hex())
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o600)
    with open(descriptor, "wb") as file:
        file.write(content)
    return {"file": path, "bytes": len(content), "sha256": sha256(content).hexdigest()}


def to_vector_bytes(vectors: Sequence[Iterable[float]]) -> tuple[list[bytes], int]:
    """Each as little-endian float32, and how many numbers each has. Raises `engine-failed` when lengths differ."""
    rows = [array("f", vector) for vector in vectors]
    dimensions = len(rows[0]) if rows else 0
    if any(len(row) != dimensions for row in rows):
        raise BackendError("engine-failed", "The vectors of one answer have different lengths.")
    if sys.byteorder == "big":
        for row in rows:
            row.byteswap()
    return [row.tobytes() for row in rows], dimensions


# Absent on Windows; there, making a link needs rights that a plugin does not have.
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
# A named pipe in the place of the file must not hold the reader up.
_NO_WAIT = getattr(os, "O_NONBLOCK", 0)
_BINARY = getattr(os, "O_BINARY", 0)


def _locate(exchange_dir: str, value: dict[str, Any]) -> str:
    try:
        home = os.path.realpath(exchange_dir)
        path = os.path.join(home, value["file"])
        if os.path.realpath(os.path.dirname(path)) == home:
            return path
    except (OSError, ValueError):
        pass
    raise _violation("lies outside of the folder for exchange", value)


def _read_exactly(path: str, value: dict[str, Any]) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | _NO_FOLLOW | _NO_WAIT | _BINARY)
    except (OSError, ValueError):
        raise _violation("cannot be read", value) from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise _violation("is no plain file", value)
        if status.st_size != value["bytes"] or status.st_size > MAX_FILE_BYTES:
            raise _violation("has another size than it says", value)
        with open(descriptor, "rb", closefd=False) as file:
            return file.read()
    finally:
        os.close(descriptor)


def _violation(what: str, value: dict[str, Any]) -> BackendError:
    return BackendError("protocol-violation", f"The file of a large value {what}.", details=value)
