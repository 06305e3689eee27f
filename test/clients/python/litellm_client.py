import asyncio
import os
import threading

# Its table of prices is not fetched.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

import litellm  # noqa: E402
from common import describe  # noqa: E402

litellm.suppress_debug_info = True
litellm.telemetry = False


class Client:
    def __init__(self, address, provider):
        self.provider = provider
        self.address = f"{address}/v1" if provider == "openai" else address
        # Only its asynchronous streams can be left.
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    def request(self, ask):
        return {
            "model": f"{self.provider}/{ask['model']}",
            "api_base": self.address,
            "api_key": "none",
            "messages": [{"role": "user", "content": ask["prompt"]}],
            "max_tokens": ask.get("maxTokens", 8000),
            "num_retries": 0,
            "max_retries": 0,
        }

    def chat(self, ask):
        choice = litellm.completion(**self.request(ask)).choices[0]
        return {"text": choice.message.content, "stop": choice.finish_reason}

    def stream(self, ask, on_text, left):
        return asyncio.run_coroutine_threadsafe(self.read(ask, on_text, left), self.loop).result()

    async def read(self, ask, on_text, left):
        said = {"text": "", "stop": None}
        chunks = await litellm.acompletion(**self.request(ask), stream=True)
        async for chunk in chunks:
            if left():
                await chunks.aclose()
                return said
            for choice in chunk.choices:
                text = choice.delta.content or ""
                said["text"] += text
                said["stop"] = choice.finish_reason or said["stop"]
                on_text(text)
        return said

    def describe(self, error):
        # Its own errors are kinds of the OpenAI client's.
        return describe(error, litellm.openai.APIError)


def open_client(address, variant):
    return Client(address, variant)
