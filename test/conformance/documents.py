"""Whether our answers are what OpenAI's and Anthropic's own documents say, as llm-comply has them.

    python documents.py ADDRESS

Prints JSON: `{"openai": [{"id", "errors"}], "anthropic": […]}`. Only what the answer is made of is compared: what it
says, and in which order its events come, is for the other tests.
"""

import json
import re
import sys
import urllib.error
import urllib.request
from importlib.resources import files

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from referencing import Registry
from referencing.jsonschema import DRAFT202012

QUESTION = [{"role": "user", "content": "Count to five."}]
CHAT = {"model": "box/plain", "messages": QUESTION}
THOUGHTFUL = {"model": "box/all", "messages": QUESTION}
PROMPT = {"model": "box/plain", "prompt": "Count to five."}
INPUT = {"model": "box/all", "input": "Count to five."}
FUNCTION = {"name": "get_weather", "parameters": {"type": "object", "properties": {"location": {"type": "string"}}}}
CHAT_TOOLS = {**THOUGHTFUL, "tools": [{"type": "function", "function": FUNCTION}]}
INPUT_TOOLS = {**INPUT, "tools": [{"type": "function", "strict": False, **FUNCTION}]}
MESSAGES = {**THOUGHTFUL, "max_tokens": 100}
MESSAGES_TOOLS = {**MESSAGES, "tools": [{"name": "get_weather", "input_schema": FUNCTION["parameters"]}]}
LOGPROBS = {"logprobs": True, "top_logprobs": 2}
STREAM = {"stream": True}
VERSION = {"anthropic-version": "2023-06-01"}
USAGE = {"stream_options": {"include_usage": True}}

ERROR = "ErrorResponse"

# What is asked at which path, and the schema of the answer, or of each event of it. Without a body it is a GET.
OPENAI = [
    ("/v1/models", None, "ListModelsResponse"),
    ("/v1/models/box/plain", None, "Model"),
    ("/v1/models/box/none", None, ERROR),
    ("/v1/chat/completions", CHAT, "CreateChatCompletionResponse"),
    ("/v1/chat/completions", {**CHAT, **LOGPROBS}, "CreateChatCompletionResponse"),
    ("/v1/chat/completions", THOUGHTFUL, "CreateChatCompletionResponse"),
    ("/v1/chat/completions", CHAT_TOOLS, "CreateChatCompletionResponse"),
    ("/v1/chat/completions", {**CHAT, "max_tokens": 2}, "CreateChatCompletionResponse"),
    ("/v1/chat/completions", {**CHAT, **STREAM, **USAGE}, "CreateChatCompletionStreamResponse"),
    ("/v1/chat/completions", {**CHAT, **STREAM, **LOGPROBS}, "CreateChatCompletionStreamResponse"),
    ("/v1/chat/completions", {**THOUGHTFUL, **STREAM}, "CreateChatCompletionStreamResponse"),
    ("/v1/chat/completions", {**CHAT_TOOLS, **STREAM}, "CreateChatCompletionStreamResponse"),
    ("/v1/chat/completions", {**CHAT, "temperature": "hot"}, ERROR),
    ("/v1/completions", PROMPT, "CreateCompletionResponse"),
    ("/v1/completions", {**PROMPT, "logprobs": 2}, "CreateCompletionResponse"),
    ("/v1/completions", {**PROMPT, **STREAM, **USAGE}, "CreateCompletionResponse"),
    ("/v1/embeddings", {"model": "box/embedder", "input": ["a cat", "a dog"]}, "CreateEmbeddingResponse"),
    ("/v1/responses", INPUT, "Response"),
    ("/v1/responses", INPUT_TOOLS, "Response"),
    ("/v1/responses", {**INPUT, "max_output_tokens": 2}, "Response"),
    ("/v1/responses", {**INPUT, "model": "box/plain", **STREAM}, "ResponseStreamEvent"),
    ("/v1/responses", {**INPUT_TOOLS, **STREAM}, "ResponseStreamEvent"),
    ("/v1/responses", {**INPUT, "temperature": "hot"}, ERROR),
]
ANTHROPIC = [
    ("/v1/models", None, "ListResponse_ModelInfo_"),
    ("/v1/models/box/plain", None, "ModelInfo"),
    ("/v1/models/box/none", None, ERROR),
    ("/v1/messages", MESSAGES, "Message"),
    ("/v1/messages", MESSAGES_TOOLS, "Message"),
    ("/v1/messages", {**MESSAGES, "max_tokens": 2}, "Message"),
    ("/v1/messages", {**MESSAGES, **STREAM}, "MessageStreamEvent"),
    ("/v1/messages", {**MESSAGES_TOOLS, **STREAM}, "MessageStreamEvent"),
    ("/v1/messages", {**MESSAGES, "temperature": "hot"}, ERROR),
    ("/v1/messages/count_tokens", THOUGHTFUL, "CountMessageTokensResponse"),
]


class Document:
    def __init__(self, file):
        document = with_nulls(json.loads(files("llm_comply").joinpath("specs", file).read_text()))
        self.schemas = document["components"]["schemas"]
        self.registry = Registry().with_resource("urn:document", DRAFT202012.create_resource(document))

    def errors_of(self, part, name):
        name = self.kind_of(part, name)
        validator = Draft202012Validator({"$ref": f"urn:document#/components/schemas/{name}"}, registry=self.registry)
        return [f"{name}, {describe(error)}" for error in validator.iter_errors(part)]

    def kind_of(self, part, name):
        """The one of several schemas that has the type of the part, so that an error says what is wrong with it."""
        schema = self.schemas[name]
        for choice in schema.get("oneOf") or schema.get("anyOf") or []:
            kind = choice.get("$ref", "").split("/")[-1]
            tag = self.schemas.get(kind, {}).get("properties", {}).get("type", {})
            if part.get("type") in [tag.get("const"), *tag.get("enum", [])]:
                return kind
        return name


def with_nulls(schema):
    """`nullable` of OpenAPI 3.0 in the words of JSON Schema, which passes over it."""
    if isinstance(schema, list):
        return [with_nulls(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    rest = {key: with_nulls(value) for key, value in schema.items() if key != "nullable"}
    return {"anyOf": [rest, {"type": "null"}]} if schema.get("nullable") is True else rest


def ask(url, body, headers):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json", **headers})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def parts_of(text, body):
    if not (body or {}).get("stream"):
        return [json.loads(text)]
    lines = [line[6:] for line in text.splitlines() if line.startswith("data: ")]
    return [json.loads(line) for line in lines if line != "[DONE]"]


def check(address, document, questions, headers):
    for path, body, name in questions:
        status, text = ask(address + path, body, headers)
        errors = []
        if (status == 200) == (name == ERROR):
            errors.append(f"HTTP {status}: {text[:300]}")
        parts = parts_of(text, body)
        if not parts:
            errors.append("Nothing came.")
        for part in parts:
            errors += document.errors_of(part, name)
        # Each once, however many events have it.
        yield {"id": f"{path} {json.dumps(body)}: {name}", "errors": list(dict.fromkeys(errors))}


def describe(error):
    """The innermost reason, without the places in lists: it is the same for each event."""
    worst = best_match([error])
    return re.sub(r"\[\d+\]", "[]", f"{worst.json_path}: {worst.message}")[:300]


def main(address):
    results = {
        "openai": list(check(address, Document("openai_chat.json"), OPENAI, {})),
        "anthropic": list(check(address, Document("anthropic.json"), ANTHROPIC, VERSION)),
    }
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
