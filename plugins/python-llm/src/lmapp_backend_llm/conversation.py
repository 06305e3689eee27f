"""
Past turns as llm keeps them. Plugins read them in two ways: new ones from the list of messages, older ones from the
responses of a conversation. So the conversation is played back, with a model that says again what was answered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import llm

from .content import Turn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any


def open_response(model: Any, turns: list[Turn], options: dict[str, Any], **given: Any) -> llm.Response:
    """The response to the last turn. Nothing runs before it is read. `given`: schema, tools, stream."""
    *past, last = turns
    conversation = llm.Conversation(model=Playback(model))
    messages: list[llm.Message] = []
    system = ""
    for turn in past:
        system = turn.system or system
        answered = _ask(conversation, turn, system, messages)
        answered.text()
        # Some plugins look for the attachments of a past turn here.
        answered.attachments = turn.attachments
        messages = [*answered.prompt.messages, *answered.messages()]
    conversation.model = model
    return _ask(conversation, last, last.system or system, messages, options=options, **given)


class Playback(llm.Model):
    """Answers as it is told, in the name of another model."""

    can_stream = True
    supports_schema = True
    supports_tools = True

    def __init__(self, model: Any) -> None:
        self.model_id = model.model_id
        self.attachment_types = model.attachment_types
        self.turn = Turn()

    def execute(self, prompt: Any, stream: bool, response: Any, conversation: Any) -> Iterator[str]:
        for call in self.turn.calls:
            response.add_tool_call(call)
        if self.turn.answer:
            yield self.turn.answer


def _ask(
    conversation: llm.Conversation, turn: Turn, system: str, messages: list[llm.Message], **given: Any
) -> llm.Response:
    """The system message goes along with every turn: plugins say it once, but some look at the last turn only."""
    if isinstance(conversation.model, Playback):
        conversation.model.turn = turn
    if turn.system:
        messages = [*messages, llm.system(turn.system)]
    return conversation.prompt(
        turn.text or None,
        system=system or None,
        attachments=turn.attachments,
        tool_results=turn.results,
        messages=messages,
        **given,
    )
