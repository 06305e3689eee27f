"""NAME: a backend for lmapp."""

import re

from lmapp_backend import Backend, BackendError, serve, to_text

CONTEXT_LENGTH = 4096


class Parrot(Backend):
    name = "NAME"
    version = "0.1.0"
    capabilities = {"chat": "yes", "parallel": 4}
    models = [{"id": "parrot", "contextLength": CONTEXT_LENGTH}]

    def __init__(self, context):
        # `config` is what the user wrote under backends.<id>.config; `secrets["apiKey"]` is his key.
        self.greeting = context.config.get("greeting", "")

    def chat(self, request, call):
        # Here your engine goes. This one repeats what it hears: "3 times Hello there" three times.
        options, messages = request.get("options", {}), request["messages"]
        read = len(" ".join(to_text(message["content"]) for message in messages).split())
        if read > min(options.get("contextLength", CONTEXT_LENGTH), CONTEXT_LENGTH):
            raise BackendError("context-overflow", f"{read} words are too many.")
        times, said = re.match(r"(?:(\d+) times )?(.*)", to_text(messages[-1]["content"]), re.S).groups()
        answer = self.greeting + " ".join([said] * int(times or 1))
        stops = [answer.find(stop) for stop in options.get("stop", []) if stop in answer]
        words = re.findall(r"\S+\s*", answer[: min(stops, default=len(answer))])
        most = options.get("maxTokens", len(words))
        yield from words[:most]
        usage = {"inputTokens": read, "outputTokens": min(most, len(words))}
        return {"reason": "stop" if most >= len(words) else "length", "usage": usage}


serve(Parrot)
