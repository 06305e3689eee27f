import gc
import json
import os
import tempfile
import urllib.request

import ollama
import openai
from common import describe

# Set before it is imported.
folder = tempfile.TemporaryDirectory()
os.environ["LLM_USER_PATH"] = folder.name


def write_models(address):
    """As its documentation says for servers that speak like OpenAI. The file is JSON, which is YAML."""
    with urllib.request.urlopen(f"{address}/v1/models") as answer:
        ids = [model["id"] for model in json.load(answer)["data"]]
    models = [{"model_id": each, "model_name": each, "api_base": f"{address}/v1"} for each in [*ids, "box/coumt"]]
    with open(os.path.join(folder.name, "extra-openai-models.yaml"), "w") as file:
        json.dump(models, file)


class Client:
    def __init__(self, models, prefix):
        self.models = models
        self.prefix = prefix

    def ask(self, ask, stream):
        model = self.models[self.prefix + ask["model"]]
        key = {"key": "none"} if model.needs_key else {}
        return model.prompt(ask["prompt"], stream=stream, **key)

    def chat(self, ask):
        return {"text": self.ask(ask, stream=False).text()}

    def stream(self, ask, on_text, left):
        text = self.read(iter(self.ask(ask, stream=True)), on_text, left)
        # It has no way to close what was left: its connection ends with its last reference.
        gc.collect()
        return {"text": text}

    @staticmethod
    def read(chunks, on_text, left):
        said = ""
        for text in chunks:
            if left():
                break
            said += text
            on_text(text)
        return said

    def describe(self, error):
        # It hands on the errors of the client below it.
        return describe(error, (openai.APIError, ollama.ResponseError))


models = {}


def open_client(address, variant):
    if not models:
        write_models(address)
        os.environ["OLLAMA_HOST"] = address
        import llm

        # Once: whoever asks it for one model makes it look at all of them.
        models.update((model.model_id, model) for model in llm.get_models())
    return Client(models, "ollama/" if variant == "ollama" else "")
