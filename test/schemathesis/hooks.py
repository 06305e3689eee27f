"""What Schemathesis cannot know: the names that are of something here, what must stay, and how a stream of lines is read.

A name is put where another valid one was, so that what the document allows and forbids stays what it was.
"""

import json
import re

import jsonschema_rs
import schemathesis

ANSWERING = ["box/count", "box/thinker", "box/tools", "smollm2-135m"]
REFERENCE = ["box/spare", "box/count", "smollm2-135m"]
# The key that the run itself uses.
OWN_KEY = "schemathesis"
STREAMING = re.compile(r"/v1/(chat/completions|completions|messages|responses)$|/api/(chat|generate)$")
DATE = re.compile(r"\d{4}-\d\d-\d\d")


@schemathesis.hook
def filter_path_parameters(context, path_parameters):
    return path_parameters is None or path_parameters.get("name") != OWN_KEY


@schemathesis.hook
def before_call(context, case, kwargs):
    path, number = case.operation.path, choice(case)
    if isinstance(case.body, dict):
        case.body = with_names(case.body, path, number)
    if isinstance(case.query, dict) and is_name(case.query.get("ref")) and number % 4:
        case.query["ref"] = "box/spare" if case.method == "DELETE" else pick(REFERENCE, number)
    if case.path_parameters and "/backends/" in path and number % 4:
        case.path_parameters["name"] = "box"
    if case.path_parameters and "/terminals/" in path and number % 4:
        case.path_parameters["terminal"] = "here"
    if path == "/lmapp/v1/runs" and number % 2:
        case.headers["Accept"] = "text/event-stream"


@schemathesis.check
def each_line_conforms(ctx, response, case):
    kind = (response.headers.get("content-type") or [""])[0].split(";")[0]
    if kind != "application/x-ndjson":
        return
    answers = case.operation.definition.raw["responses"]
    schema = answers[str(response.status_code)]["content"][kind]["schema"]
    is_line = jsonschema_rs.validator_for(schema)
    lines = response.text.split("\n")
    assert lines[-1] == "", "The last line does not end."
    for line in lines[:-1]:
        error = next(is_line.iter_errors(json.loads(line)), None)
        assert error is None, f"{error}\n{line}"


def with_names(body, path, number):
    named = {**body}
    if is_name(body.get("model")) and number % 4:
        named["model"] = model_for(path, number)
    if "delete" in path and is_name(body.get("name")):
        named["name"] = "box/spare"
    if STREAMING.search(path) and isinstance(body.get("stream"), bool | None):
        named["stream"] = number % 2 == 0
    if path == "/api/copy" and is_name(body.get("source")):
        named["source"] = "box/count"
    if is_name(body.get("terminal")):
        named["terminal"] = "here"
    if isinstance(body.get("before"), str) and DATE.match(body["before"]):
        named["before"] = "2000-01-01"
    return named


def model_for(path, number):
    if "embed" in path:
        return "box/embedder"
    if "delete" in path:
        return "box/spare"
    if "pull" in path:
        return pick(["box/to-pull", "box/spare"], number)
    return pick(ANSWERING, number)


def is_name(value):
    return isinstance(value, str) and value != ""


def pick(items, number):
    return items[number // 4 % len(items)]


def choice(case):
    """The same for the same request."""
    return sum(repr([case.body, case.query, case.path_parameters]).encode())
