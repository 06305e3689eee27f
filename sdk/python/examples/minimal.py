"""A parrot, the smallest backend. With this folder in ~/.lmapp/backends: lmapp -m parrot/grey "hello there"."""

import re

from lmapp_backend import Backend, serve, to_text


class Parrot(Backend):
    name = "parrot"
    version = "0.1.0"
    capabilities = {"parallel": 4}
    models = [{"id": "grey"}]

    def chat(self, request, call):
        for word in re.findall(r"\S+\s*", to_text(request["messages"][-1]["content"])):
            yield word
            call.usage["outputTokens"] = call.usage.get("outputTokens", 0) + 1


serve(Parrot)
