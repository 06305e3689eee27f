import json

import openai
from common import PNG, WEATHER, WEATHER_RESULT, Mood, describe
from openai_chat import open_openai

TOOLS = [{"type": "function", **WEATHER, "strict": True}]


class FailedResponse(Exception):
    """The client returns a response whose status says that it failed."""


def body(ask):
    limit = {"max_output_tokens": ask["maxTokens"]} if "maxTokens" in ask else {}
    return {"model": ask["model"], "input": ask["prompt"], **limit}


def to_said(response):
    if response.status == "failed":
        raise FailedResponse(response.error.message)
    return {
        "text": response.output_text,
        "stop": response.incomplete_details.reason if response.incomplete_details else response.status,
        "inputTokens": response.usage.input_tokens,
        "outputTokens": response.usage.output_tokens,
    }


class Client:
    def __init__(self, client):
        self.client = client
        self.responses = client.responses

    def chat(self, ask):
        responses = self.client.with_options(max_retries=ask.get("retries", 0)).responses
        return to_said(responses.create(**body(ask)))

    def stream(self, ask, on_text, left):
        last = None
        with self.responses.create(**body(ask), stream=True) as events:
            for event in events:
                if left():
                    return None
                if event.type == "response.output_text.delta":
                    on_text(event.delta)
                if event.type in ("response.completed", "response.incomplete", "response.failed"):
                    last = event.response
        return to_said(last)

    def tools(self, ask):
        def once(**more):
            request = {"model": ask["model"], "tools": TOOLS, **more}
            if not ask["stream"]:
                return self.responses.create(**request)
            with self.responses.stream(**request) as stream:
                for _ in stream:
                    pass
                return stream.get_final_response()

        first = once(input=ask["prompt"])
        call = next(item for item in first.output if item.type == "function_call")
        result = {"type": "function_call_output", "call_id": call.call_id, "output": WEATHER_RESULT}
        # The service remembers what went before.
        second = once(input=[result], previous_response_id=first.id)
        arguments = json.loads(call.arguments)
        return {"name": call.name, "arguments": arguments, "stop": first.status, "answer": second.output_text}

    def schema(self, ask):
        return self.responses.parse(**body(ask), text_format=Mood).output_parsed.model_dump()

    def see(self, ask):
        image = {"type": "input_image", "detail": "auto", "image_url": f"data:image/png;base64,{PNG}"}
        content = [{"type": "input_text", "text": ask["prompt"]}, image]
        return to_said(self.responses.create(model=ask["model"], input=[{"role": "user", "content": content}]))

    def think(self, ask):
        def once(given):
            request = {"model": ask["model"], "input": given}
            if not ask["stream"]:
                return self.responses.create(**request), []
            with self.responses.stream(**request) as stream:
                deltas = [event.delta for event in stream if event.type == "response.reasoning_text.delta"]
                return stream.get_final_response(), ["".join(deltas)]

        question = {"role": "user", "content": ask["prompt"]}
        first, streamed = once([question])
        thoughts = [part.text for item in first.output if item.type == "reasoning" for part in item.content]
        said = [item.model_dump(exclude_none=True) for item in first.output]
        second, _ = once([question, *said, {"role": "user", "content": "And now?"}])
        reasoning = ["".join(thoughts), *streamed]
        return {"reasoning": reasoning, "text": first.output_text, "answer": second.output_text}

    def wrong_field(self, ask):
        return self.responses.create(**body(ask), temperature="hot").model_dump()

    def describe(self, error):
        return describe(error, (openai.APIError, FailedResponse))


def open_client(address, _variant, *key):
    return Client(open_openai(address, *key))
