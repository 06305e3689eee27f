import json

import ollama
from common import PNG, WEATHER, WEATHER_RESULT, Mood, describe

TOOLS = [{"type": "function", "function": WEATHER}]


def body(ask):
    limit = {"options": {"num_predict": ask["maxTokens"]}} if "maxTokens" in ask else {}
    return {"model": ask["model"], "messages": [{"role": "user", "content": ask["prompt"]}], **limit}


class CutShort(Exception):
    """The client returns what came before a stream that has no last line."""


class Client:
    def __init__(self, address, key="none"):
        self.client = ollama.Client(host=address, headers={"authorization": f"Bearer {key}"})

    def chat(self, ask):
        answer = self.client.chat(**body(ask))
        return {
            "text": answer.message.content,
            "stop": answer.done_reason,
            "inputTokens": answer.prompt_eval_count,
            "outputTokens": answer.eval_count,
        }

    def stream(self, ask, on_text, left):
        said = {"text": "", "stop": None, "outputTokens": None}
        chunks = self.client.chat(**body(ask), stream=True)
        for chunk in chunks:
            if left():
                chunks.close()
                return said
            said["text"] += chunk.message.content
            on_text(chunk.message.content)
            if chunk.done:
                said.update(stop=chunk.done_reason, outputTokens=chunk.eval_count)
        if said["stop"] is None:
            raise CutShort("There was no last line.")
        return said

    def tools(self, ask):
        def once(messages):
            request = {"model": ask["model"], "messages": messages, "tools": TOOLS}
            if not ask["stream"]:
                answer = self.client.chat(**request)
                return answer.message.content, answer.message.tool_calls, answer.done_reason
            chunks = list(self.client.chat(**request, stream=True))
            calls = [call for chunk in chunks for call in chunk.message.tool_calls or []]
            return "".join(chunk.message.content for chunk in chunks), calls, chunks[-1].done_reason

        question = {"role": "user", "content": ask["prompt"]}
        content, calls, stop = once([question])
        call = calls[0].function
        said = {"role": "assistant", "content": content, "tool_calls": [each.model_dump() for each in calls]}
        result = {"role": "tool", "tool_name": call.name, "content": WEATHER_RESULT}
        answer, _, _ = once([question, said, result])
        return {"name": call.name, "arguments": dict(call.arguments), "stop": stop, "answer": answer}

    def schema(self, ask):
        return json.loads(self.client.chat(**body(ask), format=Mood.model_json_schema()).message.content)

    def see(self, ask):
        messages = [{"role": "user", "content": ask["prompt"], "images": [PNG]}]
        return {"text": self.client.chat(model=ask["model"], messages=messages).message.content}

    def think(self, ask):
        def once(messages):
            request = {"model": ask["model"], "messages": messages, "think": True}
            answers = [self.client.chat(**request)]
            if ask["stream"]:
                answers = list(self.client.chat(**request, stream=True))
            text = "".join(answer.message.content or "" for answer in answers)
            return text, "".join(answer.message.thinking or "" for answer in answers)

        question = {"role": "user", "content": ask["prompt"]}
        text, thinking = once([question])
        said = {"role": "assistant", "content": text, "thinking": thinking}
        answer, _ = once([question, said, {"role": "user", "content": "And now?"}])
        return {"reasoning": [thinking], "text": text, "answer": answer}

    def embed(self, ask):
        return [list(vector) for vector in self.client.embed(model=ask["model"], input=ask["texts"]).embeddings]

    def models(self, _ask):
        return [model.model for model in self.client.list().models]

    def wrong_field(self, ask):
        return self.client.chat(**body(ask), options={"temperature": "hot"}).model_dump()

    def describe(self, error):
        return describe(error, ollama.ResponseError)


def open_client(address, _variant, *key):
    return Client(address, *key)
