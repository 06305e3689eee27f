"""Ends a text before one of some sequences: that which is complete first, wherever the pieces are cut."""

from __future__ import annotations


class StopSequences:
    def __init__(self, sequences: list[str]) -> None:
        self._sequences = [sequence for sequence in sequences if sequence]
        self._held = ""
        self.reached = False

    def push(self, text: str) -> str:
        """What can be given out. Nothing more once `reached`."""
        if not self._sequences:
            return text
        text, self._held = self._held + text, ""
        found = [(place + len(one), place) for one in self._sequences if (place := text.find(one)) >= 0]
        if found:
            self.reached = True
            return text[: min(found)[1]]
        length = self._beginning(text)
        self._held = text[len(text) - length :]
        return text[: len(text) - length]

    def rest(self) -> str:
        """What was held back, at the end."""
        return "" if self.reached else self._held

    def _beginning(self, text: str) -> int:
        """Characters at the end of the text that a sequence may begin with."""
        longest = max(map(len, self._sequences)) - 1
        for length in range(min(longest, len(text)), 0, -1):
            if any(sequence.startswith(text[-length:]) for sequence in self._sequences):
                return length
        return 0
