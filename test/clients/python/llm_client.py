import gc
import json
import os
import tempfile
import threading
import urllib.request

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
    def __init__(self, llm, prefix):
        self.llm = llm
        self.prefix = prefix
        self.models = {}
        # Whoever asks for a model makes it look at all of them.
        self.lock = threading.Lock()

    def model(self, name):
        with self.lock:
            if name not in self.models:
                self.models[name] = self.llm.get_model(self.prefix + name)
            return self.models[name]

    def ask(self, ask, stream):
        model = self.model(ask["model"])
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
        told = {"own": True, "name": type(error).__name__, "message": str(error)}
        status = getattr(error, "status_code", None)
        return {**told, "status": status} if isinstance(status, int) and status > 0 else told


def open_client(address, variant):
    if not os.listdir(folder.name):
        write_models(address)
        os.environ["OLLAMA_HOST"] = address
    import llm

    return Client(llm, "ollama/" if variant == "ollama" else "")
