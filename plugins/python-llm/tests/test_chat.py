"""From a request of lmapp to a prompt of llm, and back."""

import base64
import json
import threading
import unittest
from pathlib import Path

from lmapp_backend import BackendError, Call

from tests.support import USER_DIR, Answer, Context, open_backend, say

PIXEL = base64.b64encode(b"\x89PNG red").decode()
TOOL = {"name": "get_weather", "description": "The weather.", "parameters": {"type": "object"}}


def image(type="image/png", data=PIXEL):
    return {"type": "image", "mediaType": type, "data": data}


class Chats(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.backend = open_backend()

    def ask(self, model, *messages, **request):
        return Answer(self.backend, f"fixture/{model}", *messages, **request)

    def mirror(self, *messages, **request):
        return json.loads(self.ask("mirror", *messages, **request).text)

    def refuses(self, code, model, *messages, **request):
        with self.assertRaises(BackendError) as caught:
            self.ask(model, *messages, **request)
        self.assertEqual(caught.exception.code, code)
        return caught.exception


class Answers(Chats):
    def test_are_streamed_and_end_with_stop_and_usage(self):
        answer = self.ask("words", "Say hello")
        self.assertEqual(len([part for part in answer.of("text-delta") if part["text"]]), 6)
        self.assertEqual(answer.finish, {"reason": "stop", "usage": {"inputTokens": 5, "outputTokens": 6}})

    def test_come_whole_from_a_model_that_does_not_stream(self):
        answer = self.ask("old", "A")
        self.assertEqual((answer.text, answer.finish), ("[] A", {"reason": "stop", "usage": {}}))

    def test_end_with_length_at_the_most_tokens(self):
        answer = self.ask("words", "Hello", options={"maxTokens": 4})
        self.assertEqual((answer.finish["reason"], answer.finish["usage"]["outputTokens"]), ("length", 4))

    def test_end_as_the_engine_says(self):
        reasons = {"stop": "stop", "LENGTH": "length", "content_filter": "content-filter", "weather": "stop"}
        for said, reason in reasons.items():
            self.assertEqual(self.ask("thinker", said).finish["reason"], reason)

    def test_bring_thoughts_apart_and_count_them(self):
        answer = self.ask("thinker", "stop")
        self.assertEqual([part["text"] for part in answer.of("reasoning-delta")], ["Hm. "])
        self.assertEqual(answer.text, "Yes.")
        self.assertEqual(
            answer.finish["usage"], {"inputTokens": 5, "outputTokens": 3, "cachedTokens": 2, "reasoningTokens": 1}
        )

    def test_leave_nothing_in_the_log_of_llm(self):
        self.ask("words", "Say hello")
        self.assertEqual([path.name for path in Path(USER_DIR.name).iterdir()], [])


class History(Chats):
    past = (say("system", "Be brief."), say("user", "A"), say("assistant", "B"), say("user", "C"))

    def test_reaches_models_that_read_messages(self):
        seen = self.mirror(*self.past)
        said = [(message["role"], message["parts"][0]["text"]) for message in seen["messages"]]
        self.assertEqual(said, [("system", "Be brief."), ("user", "A"), ("assistant", "B"), ("user", "C")])

    def test_reaches_models_that_read_conversations(self):
        self.assertEqual(self.ask("old", *self.past).text, "[Be brief.] A | B | [Be brief.] C")

    def test_may_change_its_system_message(self):
        seen = self.mirror(*self.past[:3], say("system", "Be long."), say("user", "C"))
        self.assertEqual(
            [message["role"] for message in seen["messages"]], ["system", "user", "assistant", "system", "user"]
        )
        self.assertEqual((seen["past"][0]["system"], seen["system"]), ("Be brief.", "Be long."))

    def test_holds_questions_without_an_answer_and_answers_without_a_question(self):
        seen = self.mirror(say("assistant", "Welcome."), say("user", "A"), say("user", "B"))
        self.assertEqual(
            [(message["role"], message["parts"][0]["text"]) for message in seen["messages"]],
            [("assistant", "Welcome."), ("user", "A\n\nB")],
        )
        self.assertEqual(self.mirror(say("user", "A"), say("assistant", "B"))["messages"][-1]["role"], "assistant")

    def test_holds_calls_and_results_of_tools(self):
        call = {"type": "tool-call", "id": "c1", "name": "get_weather", "arguments": '{"city": "Paris"}'}
        odd = {"type": "tool-call", "id": "c2", "name": "get_weather", "arguments": "Paris"}
        result = {"type": "tool-result", "id": "c1", "name": "get_weather", "text": "Sunny."}
        failed = {"type": "tool-result", "id": "c2", "name": "get_weather", "text": "No such city.", "isError": True}
        messages = [
            say("user", "Weather?"),
            {"role": "assistant", "content": [call, odd]},
            {"role": "tool", "content": [result, failed]},
        ]
        seen = self.mirror(*messages, tools=[TOOL])
        self.assertEqual(seen["tools"], [["get_weather", "The weather.", {"type": "object"}]])
        self.assertEqual(
            seen["past"][0]["calls"],
            [["get_weather", {"city": "Paris"}, "c1"], ["get_weather", {"arguments": "Paris"}, "c2"]],
        )
        self.assertEqual(seen["results"][0], ["get_weather", "Sunny.", "c1"])
        _, asked, told = seen["messages"]
        self.assertEqual([part["type"] for part in asked["parts"]], ["tool_call", "tool_call"])
        self.assertEqual([part["output"] for part in told["parts"]], ["Sunny.", "No such city."])
        self.assertIn("No such city.", told["parts"][1]["exception"])
        later = self.mirror(*messages, say("assistant", "It is sunny."), "Thanks.")
        self.assertEqual(later["past"][1]["results"], ["Sunny.", "No such city."])

    def test_is_refused_by_models_of_a_single_turn(self):
        self.assertEqual(self.ask("single", "A").text, "one turn")
        self.refuses("unsupported", "single", *self.past)


class Content(Chats):
    def test_images_are_attachments(self):
        seen = self.mirror({"role": "user", "content": [{"type": "text", "text": "What?"}, image()]})
        text, picture = seen["messages"][0]["parts"]
        self.assertEqual((text["text"], seen["attachments"]), ("What?", 1))
        self.assertEqual(picture["attachment"], {"type": "image/png", "content": PIXEL})

    def test_images_of_the_past_are_attachments_too(self):
        past = {"role": "user", "content": [image("image/jpeg")]}
        seen = self.mirror(past, say("assistant", "A cat."), "And now?")
        self.assertEqual(seen["messages"][0]["parts"][0]["attachment"]["type"], "image/jpeg")
        self.assertEqual(seen["past"][0]["attachments"], [1, 1])

    def test_images_that_the_model_cannot_read_are_refused(self):
        for model, type in (("old", "image/png"), ("mirror", "image/webp")):
            error = self.refuses("unsupported", model, {"role": "user", "content": [image(type)]})
            self.assertEqual(error.details["capability"], "vision")

    def test_images_that_are_broken_are_bad_input(self):
        for broken in (image(data="###"), image(data=7), {"type": "image", "mediaType": "image/png"}, image(data="äö")):
            self.refuses("bad-input", "mirror", {"role": "user", "content": [broken]})

    def test_files_are_text_in_a_fence(self):
        file = {"type": "file", "name": "a.md", "mediaType": "text/markdown", "text": "x\n```\ny\n```"}
        unknown = {"type": "hologram", "text": "?"}
        seen = self.mirror({"role": "user", "content": [file, {"type": "text", "text": "Read."}, unknown]})
        self.assertEqual(seen["messages"][0]["parts"][0]["text"], "a.md\n````\nx\n```\ny\n```\n````\n\nRead.")


class Tools(Chats):
    def test_are_called(self):
        answer = self.ask("words", "Weather?", tools=[TOOL])
        [call] = answer.of("tool-call")
        self.assertEqual((call["name"], json.loads(call["arguments"])), ("get_weather", {"city": "Zürich"}))
        self.assertTrue(call["id"])
        self.assertEqual(answer.finish["reason"], "tool-calls")

    def test_are_withheld_where_none_may_be_called(self):
        answer = self.ask("words", "Weather?", tools=[TOOL], toolChoice="none")
        self.assertEqual((answer.of("tool-call"), answer.settings), ([], []))

    def test_cannot_be_forced(self):
        self.assertEqual(self.ask("words", "Weather?", tools=[TOOL], toolChoice="required").settings, ["toolChoice"])

    def test_are_refused_by_a_model_that_knows_none(self):
        self.assertEqual(self.refuses("unsupported", "old", "A", tools=[TOOL]).details["capability"], "tools")


class Schemas(Chats):
    schema = {"type": "object", "properties": {"name": {"type": "string"}}}

    def test_are_obeyed(self):
        self.assertEqual(self.mirror("A", schema=self.schema)["schema"], self.schema)
        self.assertEqual(json.loads(self.ask("words", "A", schema=self.schema).text), {"name": "Ada", "age": 36})

    def test_are_refused_by_a_model_that_knows_none(self):
        self.assertEqual(
            self.refuses("unsupported", "old", "A", schema=self.schema).details["capability"], "json-schema"
        )


class Settings(Chats):
    def test_reach_the_options_of_the_same_meaning(self):
        answer = self.ask(
            "mirror", "A", options={"temperature": 0.5, "maxTokens": 9, "stop": ["x", "y"]}, vendor={"colour": "red"}
        )
        self.assertEqual(
            json.loads(answer.text)["options"],
            {"temperature": 0.5, "num_predict": 9, "stop": ["x", "y"], "colour": "red"},
        )
        self.assertEqual(answer.settings, [])

    def test_that_a_model_does_not_have_are_warned_about(self):
        options = {"topK": 3, "minP": 0.1, "contextLength": 512, "presencePenalty": 1, "dance": True, "seed": None}
        answer = self.ask("mirror", "A", options=options, vendor={"shape": 1}, reasoning="high")
        self.assertEqual(
            answer.settings,
            [*(f"options.{name}" for name in list(options)[:5]), "reasoning", "vendor.shape"],
        )
        self.assertEqual({part["code"] for part in answer.of("warning")}, {"unsupported-setting"})

    def test_that_a_model_does_not_allow_are_warned_about(self):
        self.assertEqual(self.ask("words", "Say hello", options={"temperature": 9}).settings, ["options.temperature"])
        together = self.ask("mirror", "A", options={"temperature": 1, "topP": 0.5})
        self.assertEqual(together.settings, ["options.topP"])
        self.assertEqual(json.loads(together.text)["options"], {"temperature": 1.0})

    def test_of_reasoning_reach_the_models_that_have_one(self):
        self.assertEqual(self.mirror("A", reasoning=False)["options"], {"think": False})
        self.assertEqual(self.mirror("A", reasoning=True)["options"], {"think": True})

    def test_to_stop_are_done_here_where_a_model_has_none(self):
        whole = self.ask("words", "Hello").text
        stop = whole[20:27]
        answer = self.ask("words", "Hello", options={"stop": [stop, "never"]})
        self.assertEqual((answer.text, answer.finish["reason"]), (whole[: whole.index(stop)], "stop"))
        self.assertEqual(answer.settings, [])
        self.assertEqual(self.ask("words", "Hello", options={"stop": [whole[-3:-1] + "!"]}).text, whole)

    def test_to_stop_may_be_one_text(self):
        answer = self.ask("thinker", "stop", options={"stop": ["es"]})
        self.assertEqual((answer.text, answer.settings), ("Yes.", []))


class Refusals(Chats):
    def test_without_messages(self):
        self.refuses("bad-input", "words")

    def test_to_continue(self):
        self.refuses("unsupported", "words", "A", say("assistant", "B"), **{"continue": True})

    def test_to_chat_with_what_makes_vectors(self):
        self.refuses("unsupported", "letters", "A")


class Failures(Chats):
    def test_of_a_model_before_the_first_word(self):
        self.assertIn("too cold", self.refuses("backend-refused", "fails-early", "A").message)

    def test_of_a_model_in_mid_stream(self):
        chat = self.backend.chat({"model": "fixture/fails-late", "messages": [say("user", "A")]}, Call())
        self.assertEqual([next(chat), next(chat)], ["so ", "far"])
        with self.assertRaises(BackendError) as caught:
            next(chat)
        self.assertEqual(caught.exception.code, "engine-failed")

    def test_for_want_of_a_key_name_the_command(self):
        error = self.refuses("unauthorized", "locked", "A")
        self.assertRegex(error.hint, r"-m llm keys set fixture$")

    def test_are_none_with_the_key_of_llm(self):
        path = Path(USER_DIR.name, "keys.json")
        self.addCleanup(path.unlink)
        path.write_text('{"fixture": "k1"}')
        self.assertEqual(self.ask("locked", "A").text, "opened with k1")

    def test_of_servers_are_told_by_their_status(self):
        codes = {
            401: "unauthorized",
            403: "forbidden",
            404: "model-not-found",
            429: "rate-limited",
            400: "backend-refused",
            500: "engine-failed",
        }
        for status, code in codes.items():
            self.refuses(code, "refused", str(status))

    def test_to_reach_a_server_are_told_by_their_class(self):
        for name in ("TransportError", "APIConnectionError", "ConnectionError"):
            self.refuses("backend-unreachable", "refused", name)
        self.refuses("engine-failed", "refused", "SomethingElse")

    def test_of_a_library_that_takes_no_such_thing_are_refusals(self):
        self.refuses("backend-refused", "refused", "ValueError")

    def test_of_a_prompt_that_is_too_long_are_told_by_their_code(self):
        self.refuses("context-overflow", "words", "word " * 20_000)

    def test_leave_the_next_chat_alone(self):
        self.refuses("backend-refused", "fails-early", "A")
        self.assertTrue(self.ask("words", "A").text)


class SideBySide(unittest.TestCase):
    def begin(self, backend):
        call = Call()
        chat = backend.chat({"model": "fixture/endless", "messages": [say("user", "A")]}, call)
        return chat, call

    def test_one_chat_waits_for_the_other_of_its_model(self):
        backend = open_backend()
        first, _ = self.begin(backend)
        self.assertEqual(next(first), "1 ")
        second, _ = self.begin(backend)
        self.assertEqual(next(second), {"type": "status", "phase": "queued"})
        self.assertTrue(Answer(backend, "fixture/words", "Another model").text)
        words = []
        waiting = threading.Thread(target=lambda: words.append(next(second)))
        waiting.start()
        first.close()
        waiting.join()
        self.assertEqual(words, ["1 "])
        second.close()

    def test_a_chat_that_waits_can_be_cancelled(self):
        backend = open_backend()
        first, _ = self.begin(backend)
        next(first)
        second, call = self.begin(backend)
        next(second)
        ends = []
        waiting = threading.Thread(target=lambda: ends.append(list_end(second)))
        waiting.start()
        for hook in call._cancel():
            hook()
        waiting.join()
        self.assertEqual(ends, [{"reason": "cancelled"}])
        self.assertEqual(next(first), "2 ")
        first.close()

    def test_several_run_where_it_is_allowed(self):
        backend = open_backend({"parallel": 2})
        chats = [self.begin(backend)[0] for _ in range(3)]
        self.assertEqual([next(chat) for chat in chats], ["1 ", "1 ", {"type": "status", "phase": "queued"}])
        for chat in chats:
            chat.close()


def list_end(chat):
    try:
        while True:
            next(chat)
    except StopIteration as end:
        return end.value


class Vectors(unittest.TestCase):
    def test_are_made_of_texts(self):
        first, second = open_backend().embed("letters", ["abba", "c"])
        self.assertEqual((first[:3], second[:3], len(first)), ([2.5, 2.5, 0.5], [0.5, 0.5, 1.5], 26))

    def test_are_as_many_as_texts(self):
        self.assertEqual(self.refused("fixture/short"), "engine-failed")

    def test_are_not_made_by_what_chats_or_is_unknown(self):
        self.assertEqual(self.refused("fixture/words"), "unsupported")
        self.assertEqual(self.refused("nobody"), "model-not-found")
        self.assertEqual(self.refused("fixture/locked-letters"), "unauthorized")

    def refused(self, model):
        with self.assertRaises(BackendError) as caught:
            open_backend({"remote": True}).embed(model, ["a", "b"])
        return caught.exception.code


class Unstarted(unittest.TestCase):
    def test_it_can_do_nothing(self):
        from lmapp_backend_llm.backend import LlmBackend

        with self.assertRaises(BackendError):
            LlmBackend(Context()).list_models()
