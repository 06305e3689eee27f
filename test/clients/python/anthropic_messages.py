import anthropic
from common import PNG, WEATHER, WEATHER_RESULT, Mood, describe

TOOLS = [
    {"name": WEATHER["name"], "description": WEATHER["description"], "input_schema": WEATHER["parameters"]},
]


def body(ask):
    messages = [{"role": "user", "content": ask["prompt"]}]
    return {"model": ask["model"], "max_tokens": ask.get("maxTokens", 8000), "messages": messages}


def to_said(message):
    return {
        "text": "".join(block.text for block in message.content if block.type == "text"),
        "stop": message.stop_reason,
        # What was read from the cache is told apart.
        "inputTokens": message.usage.input_tokens + (message.usage.cache_read_input_tokens or 0),
        "outputTokens": message.usage.output_tokens,
    }


class Client:
    def __init__(self, address, key="none"):
        self.client = anthropic.Anthropic(base_url=address, api_key=key, max_retries=0)
        self.messages = self.client.messages

    def chat(self, ask):
        messages = self.client.with_options(max_retries=ask.get("retries", 0)).messages
        return to_said(messages.create(**body(ask)))

    def stream(self, ask, on_text, left):
        with self.messages.stream(**body(ask)) as stream:
            for text in stream.text_stream:
                if left():
                    return None
                on_text(text)
            return to_said(stream.get_final_message())

    def tools(self, ask):
        def once(messages):
            request = {**body(ask), "messages": messages, "tools": TOOLS}
            if not ask["stream"]:
                return self.messages.create(**request)
            with self.messages.stream(**request) as stream:
                return stream.get_final_message()

        question = {"role": "user", "content": ask["prompt"]}
        first = once([question])
        call = next(block for block in first.content if block.type == "tool_use")
        result = {"type": "tool_result", "tool_use_id": call.id, "content": WEATHER_RESULT}
        said = {"role": "assistant", "content": first.content}
        second = once([question, said, {"role": "user", "content": [result]}])
        return {
            "name": call.name,
            "arguments": call.input,
            "stop": first.stop_reason,
            "answer": to_said(second)["text"],
        }

    def schema(self, ask):
        return self.messages.parse(**body(ask), output_format=Mood).parsed_output.model_dump()

    def see(self, ask):
        source = {"type": "base64", "media_type": "image/png", "data": PNG}
        content = [{"type": "text", "text": ask["prompt"]}, {"type": "image", "source": source}]
        return to_said(self.messages.create(**{**body(ask), "messages": [{"role": "user", "content": content}]}))

    def think(self, ask):
        def once(messages):
            thinking = {"type": "enabled", "budget_tokens": 2000}
            request = {**body(ask), "messages": messages, "thinking": thinking}
            if not ask["stream"]:
                return self.messages.create(**request), []
            with self.messages.stream(**request) as stream:
                pieces = [event.thinking for event in stream if event.type == "thinking"]
                return stream.get_final_message(), ["".join(pieces)]

        question = {"role": "user", "content": ask["prompt"]}
        first, streamed = once([question])
        block = first.content[0]
        assert isinstance(block.signature, str)
        said = {"role": "assistant", "content": first.content}
        second, _ = once([question, said, {"role": "user", "content": "And now?"}])
        reasoning = [block.thinking, *streamed]
        return {"reasoning": reasoning, "text": to_said(first)["text"], "answer": to_said(second)["text"]}

    def count(self, ask):
        request = body(ask)
        return self.messages.count_tokens(model=request["model"], messages=request["messages"]).input_tokens

    def models(self, _ask):
        return [model.id for model in self.client.models.list()]

    def wrong_field(self, ask):
        return self.messages.create(**body(ask), extra_body={"temperature": "hot"}).model_dump()

    def describe(self, error):
        return describe(error, anthropic.APIError)


def open_client(address, _variant, *key):
    return Client(address, *key)
