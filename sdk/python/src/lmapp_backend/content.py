"""The text of a message."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any


def to_text(content: Iterable[dict[str, Any]]) -> str:
    """Of `message["content"]`: text, files and what tools answered, without reasoning and calls of tools."""
    texts = []
    for item in content:
        if item.get("type") in ("text", "tool-result"):
            texts.append(str(item.get("text", "")))
        elif item.get("type") == "file":
            texts.append(_to_fenced_file(item))
    return "".join(texts)


def _to_fenced_file(file: dict[str, Any]) -> str:
    """Its name, then its text in a fence longer than any run of backticks inside."""
    text = str(file.get("text", ""))
    fence = "`" * (max([2, *map(len, re.findall("`+", text))]) + 1)
    end = "" if text.endswith("\n") else "\n"
    return f"{file.get('name', '')}\n{fence}\n{text}{end}{fence}\n\n"
