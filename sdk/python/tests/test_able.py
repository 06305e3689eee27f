import unittest

from lmapp_backend import Backend, BackendError, to_text
from lmapp_backend.able import assert_able, without_denied

QUESTION = {"role": "user", "content": [{"type": "text", "text": "Hello."}]}
IMAGE = {"role": "user", "content": [{"type": "image", "mediaType": "image/png", "data": ""}]}


class Parrot(Backend):
    name = "parrot"
    version = "1"
    capabilities = {"continue": "yes", "tools": "unknown"}
    models = [{"id": "grey"}]


class Plain(Parrot):
    capabilities = {}


class Able(unittest.TestCase):
    def asked(self, kind=Parrot, **request):
        assert_able({"model": "grey", "messages": [QUESTION], **request}, kind(None))

    def refused(self, code, kind=Parrot, **request):
        with self.assertRaises(BackendError) as caught:
            self.asked(kind, **request)
        self.assertEqual(caught.exception.code, code)

    def test_is_nobody_for_what_the_capabilities_deny(self):
        for request in (
            {"continue": True},
            {"tools": [{"name": "f", "parameters": {}}]},
            {"schema": {}},
            {"reasoning": "low"},
            {"reasoning": True},
            {"messages": [IMAGE, QUESTION]},
        ):
            with self.subTest(request):
                self.refused("unsupported", Plain, **request)

    def test_is_a_backend_for_what_it_says_or_does_not_know(self):
        answer = {"role": "assistant", "content": []}
        self.asked(tools=[{}], reasoning=False, messages=[QUESTION, answer], **{"continue": True})
        self.asked(Plain, tools=[])

    def test_is_nobody_for_what_makes_no_sense(self):
        self.refused("bad-input", messages=[])
        self.refused("bad-input", **{"continue": True})

    def test_is_nobody_for_another_model(self):
        self.refused("model-not-found", model="blue")


class LogProbabilities(unittest.TestCase):
    REQUEST = {"model": "grey", "options": {"logprobs": 0, "seed": 1}}

    def test_that_the_capabilities_deny_are_a_warning_and_not_asked_for(self):
        request, warnings = without_denied(self.REQUEST, Plain(None))
        self.assertEqual(request, {"model": "grey", "options": {"seed": 1}})
        self.assertEqual([warning["setting"] for warning in warnings], ["options.logprobs"])

    def test_that_nobody_wants_or_that_are_there_are_no_matter(self):
        class Able(Plain):
            capabilities = {"logprobs": "yes"}

        self.assertEqual(without_denied(self.REQUEST, Able(None)), (self.REQUEST, []))
        for options in ({}, {"seed": 1}, {"logprobs": None}, 7):
            request = {"model": "grey", "options": options}
            self.assertEqual(without_denied(request, Plain(None)), (request, []))
        self.assertEqual(without_denied({}, Plain(None)), ({}, []))


class Text(unittest.TestCase):
    def test_is_what_a_reader_sees(self):
        content = [
            {"type": "text", "text": "Read "},
            {"type": "reasoning", "text": "hm"},
            {"type": "file", "name": "a.md", "mediaType": "text/plain", "text": "a ```b```"},
            {"type": "tool-result", "id": "1", "name": "f", "text": "42"},
            {"type": "image"},
        ]
        self.assertEqual(to_text(content), "Read a.md\n````\na ```b```\n````\n\n42")
        self.assertEqual(to_text([{"type": "file", "name": "b", "text": "x\n"}]), "b\n```\nx\n```\n\n")
        self.assertEqual(to_text([]), "")
