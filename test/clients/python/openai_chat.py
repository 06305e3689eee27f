import json

import openai
from common import PNG, WEATHER, WEATHER_RESULT, Mood, describe

TOOLS = [{"type": "function", "function": {**WEATHER, "strict": True}}]


def open_openai(address, key="none"):
    return openai.OpenAI(base_url=f"{address}/v1", api_key=key, max_retries=0)


def body(ask):
    limit = {"max_completion_tokens": ask["maxTokens"]} if "maxTokens" in ask else {}
    return {"model": ask["model"], "messages": [{"role": "user", "content": ask["prompt"]}], **limit}


class Client:
    def __init__(self, client):
        self.client = client
        self.completions = client.chat.completions

    def chat(self, ask):
        completions = self.client.with_options(max_retries=ask.get("retries", 0)).chat.completions
        answer = completions.create(**body(ask))
        choice, usage = answer.choices[0], answer.usage
        return {
            "text": choice.message.content,
            "stop": choice.finish_reason,
            "inputTokens": usage.prompt_tokens,
            "outputTokens": usage.completion_tokens,
        }

    def stream(self, ask, on_text, left):
        said = {"text": "", "stop": None, "outputTokens": None}
        options = {"stream": True, "stream_options": {"include_usage": True}}
        with self.completions.create(**body(ask), **options) as chunks:
            for chunk in chunks:
                if left():
                    break
                if chunk.usage:
                    said["outputTokens"] = chunk.usage.completion_tokens
                for choice in chunk.choices:
                    text = choice.delta.content or ""
                    said["text"] += text
                    said["stop"] = choice.finish_reason or said["stop"]
                    on_text(text)
        return said

    def tools(self, ask):
        def once(messages):
            request = {"model": ask["model"], "messages": messages, "tools": TOOLS}
            if not ask["stream"]:
                return self.completions.create(**request)
            with self.completions.stream(**request) as stream:
                return stream.get_final_completion()

        question = {"role": "user", "content": ask["prompt"]}
        first = once([question]).choices[0]
        call = first.message.tool_calls[0]
        said = {"role": "assistant", "content": first.message.content, "tool_calls": [as_sent(call)]}
        result = {"role": "tool", "tool_call_id": call.id, "content": WEATHER_RESULT}
        second = once([question, said, result]).choices[0]
        return {
            "name": call.function.name,
            "arguments": json.loads(call.function.arguments),
            "stop": first.finish_reason,
            "answer": second.message.content,
        }

    def schema(self, ask):
        return self.completions.parse(**body(ask), response_format=Mood).choices[0].message.parsed.model_dump()

    def see(self, ask):
        image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
        messages = [{"role": "user", "content": [{"type": "text", "text": ask["prompt"]}, image]}]
        return {"text": self.completions.create(model=ask["model"], messages=messages).choices[0].message.content}

    def think(self, ask):
        names = ["content", "reasoning_content", "reasoning"]

        def once(messages):
            request = {"model": ask["model"], "messages": messages}
            if not ask["stream"]:
                message = self.completions.create(**request).choices[0].message
                return [getattr(message, name, None) for name in names]
            deltas = [chunk.choices[0].delta for chunk in self.completions.create(**request, stream=True)]
            return ["".join(getattr(delta, name, None) or "" for delta in deltas) for name in names]

        question = {"role": "user", "content": ask["prompt"]}
        text, *reasoning = once([question])
        said = {"role": "assistant", "content": text, "reasoning_content": reasoning[0]}
        answer, *_ = once([question, said, {"role": "user", "content": "And now?"}])
        return {"reasoning": reasoning, "text": text, "answer": answer}

    def embed(self, ask):
        return [each.embedding for each in self.client.embeddings.create(model=ask["model"], input=ask["texts"]).data]

    def models(self, _ask):
        return [model.id for model in self.client.models.list()]

    def wrong_field(self, ask):
        return self.completions.create(**body(ask), temperature="hot").model_dump()

    def describe(self, error):
        return describe(error, openai.APIError)


def as_sent(call):
    function = {"name": call.function.name, "arguments": call.function.arguments}
    return {"id": call.id, "type": "function", "function": function}


def open_client(address, _variant, *key):
    return Client(open_openai(address, *key))
