"""Texts to vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lmapp_backend import BackendError

from .errors import to_backend_error, unsupported

if TYPE_CHECKING:
    from .catalogue import Entry
    from .turns import Turns


def embed(entry: Entry, texts: list[str], turns: Turns) -> list[list[float]]:
    model = entry.embedding
    if model is None or not model.supports_text:
        raise unsupported(entry, "makes no vectors of text", "embed")
    with turns.take(entry.id, entry.parallel):
        try:
            vectors = [list(vector) for vector in model.embed_multi(texts)]
        except Exception as error:
            raise to_backend_error(error, entry) from error
    if len(vectors) != len(texts):
        raise BackendError("engine-failed", f"{entry.id}: {len(vectors)} vectors came for {len(texts)} texts.")
    return vectors
