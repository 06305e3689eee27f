import unittest

from tests.support import FIXTURES, Plugin, text_of

ODD = FIXTURES / "odd.py"


class Chats(unittest.TestCase):
    def open(self, program=FIXTURES / "example.py", **hello):
        plugin = Plugin(program, **hello)
        self.addCleanup(plugin.__exit__)
        plugin.greet()
        return plugin

    def ends(self, plugin, model, **request):
        parts, response, _ = plugin.collect(plugin.chat(model, **request))
        return parts, response.get("result") or response["error"]


class Answers(Chats):
    def test_send_ten_thousand_parts_in_order_many_at_a_time(self):
        plugin = self.open(ODD)
        id = plugin.chat("counts", options={"maxTokens": 10_000})
        parts, response, sizes = plugin.collect(id)
        self.assertEqual(text_of(parts), "".join(f"{number} " for number in range(10_000)))
        self.assertEqual(response["result"], {"type": "finish", "reason": "stop", "usage": {}})
        self.assertGreater(len(parts) / len(sizes), 8)

    def test_begin_with_a_warning_where_log_probabilities_are_asked_for_and_denied(self):
        plugin = self.open(ODD)
        parts, end = self.ends(plugin, "counts", options={"maxTokens": 2, "logprobs": 1})
        self.assertEqual((parts[0]["type"], parts[0]["setting"]), ("warning", "options.logprobs"))
        self.assertEqual((text_of(parts), end["reason"]), ("0 1 ", "stop"))
        id = plugin.chat("counts", credit=0, options={"maxTokens": 2, "logprobs": 1})
        plugin.notify("cancel", id=id)
        self.assertEqual(plugin.answer_of(id)["result"]["reason"], "cancelled")

    def test_never_send_more_than_there_is_credit_for(self):
        plugin = self.open()
        id = plugin.chat("count", credit=3)
        given, parts = 3, 0
        for more in (1, 5, 100):
            while parts < given:
                parts += len(plugin.next()["params"]["parts"])
            self.assertEqual(parts, given)
            self.assertEqual(plugin.call("is_running")["result"]["active"], 1)
            plugin.notify("credit", id=id, parts=more)
            given += more
        plugin.notify("cancel", id=id)
        while "result" not in (message := plugin.next()):
            parts += len(message["params"]["parts"])
        self.assertEqual(message["result"]["usage"], {"outputTokens": parts})
        self.assertLessEqual(parts, given)

    def test_need_no_credit_for_their_end(self):
        plugin = self.open()
        id = plugin.chat("refuses", credit=0)
        self.assertEqual(plugin.answer_of(id)["error"]["data"]["code"], "context-overflow")

    def test_send_what_is_there_while_the_engine_works_on(self):
        plugin = self.open(ODD)
        id = plugin.chat("blocks-after-two")
        parts = []
        while len(parts) < 2:
            parts += plugin.next()["params"]["parts"]
        plugin.ask("load_model", {"model": "a"})
        while len(parts) < 3:
            parts += plugin.next().get("params", {}).get("parts", [])
        self.assertEqual(text_of(parts), "123")
        self.assertIn("result", plugin.answer_of(id))

    def test_run_side_by_side_and_each_get_their_own(self):
        plugin = self.open()
        ids = [plugin.chat("count", credit=4) for _ in range(10)]
        texts = dict.fromkeys(ids, "")
        while set(texts.values()) != {"1 2 3 4 "}:
            params = plugin.next()["params"]
            texts[params["id"]] += text_of(params["parts"])
        self.assertEqual(plugin.call("is_running")["result"]["active"], 10)
        for id in ids:
            plugin.notify("cancel", id=id)
        reasons = [plugin.next()["result"]["reason"] for _ in ids]
        self.assertEqual(reasons, ["cancelled"] * 10)
        self.assertEqual(plugin.call("is_running")["result"]["active"], 0)

    def test_have_parts_of_every_kind_and_none_that_is_empty(self):
        parts, finish = self.ends(self.open(ODD), "kinds")
        self.assertEqual([part["type"] for part in parts], ["status", "warning", "reasoning-delta", "text-delta"])
        self.assertEqual(parts[1]["message"], "wörnung")
        self.assertEqual(parts[3]["text"], 'q"\\\n\u2028')
        self.assertEqual(
            finish, {"type": "finish", "reason": "length", "usage": {"outputTokens": 2}, "timings": {"promptMs": 2.5}}
        )

    def test_have_no_half_characters(self):
        parts, _ = self.ends(self.open(ODD), "halves")
        self.assertEqual([part.get("text") for part in parts], ["a", None, "😀b", "\ufffd", "c"])

    def test_may_be_any_iterable(self):
        self.assertEqual(text_of(self.ends(self.open(ODD), "list")[0]), "from a list")

    def test_keep_to_the_longest_line_that_the_host_takes(self):
        limits = {"maxLineBytes": 1000, "inlineLimitBytes": 64, "cancelDeadlineMs": 5000}
        plugin = self.open(ODD, limits=limits, config={"models": "long"})
        parts, error = self.ends(plugin, "huge")
        self.assertEqual([len(part["text"]) for part in parts], [600, 600])
        self.assertEqual(error["data"]["code"], "bad-input")
        self.assertEqual(plugin.call("list_models")["error"]["data"]["code"], "bad-input")


class Errors(Chats):
    def test_keep_what_was_sent_before(self):
        plugin = self.open()
        parts, error = self.ends(plugin, "breaks")
        self.assertEqual((text_of(parts), error["code"], error["data"]["code"]), ("so far", -32032, "engine-failed"))

    def test_carry_code_hint_and_details(self):
        _, error = self.ends(self.open(ODD), "details")
        self.assertEqual(error["data"], {"code": "busy", "hint": "Wait.", "details": {"seconds": 3}})

    def test_of_other_kinds_leave_their_trace_on_stderr(self):
        plugin = self.open(ODD)
        for model, message in [("raises", "out of paper"), ("leaves", "3"), ("bytes", "not JSON serializable")]:
            _, error = self.ends(plugin, model)
            self.assertEqual(error["data"]["code"], "engine-failed")
            self.assertIn(message, error["message"])
        plugin.end_input()
        self.assertEqual(plugin.exit_code(), 0, plugin.stderr.decode())
        self.assertIn(b"RuntimeError: out of paper", plugin.stderr)
        self.assertIn(b"odd.py", plugin.stderr)

    def test_say_what_a_chat_must_be(self):
        plugin = self.open(ODD)
        for model, message in [
            ("nothing", "must be a generator"),
            ("number", "must yield a str or a dict"),
            ("finish", "must return how it ended"),
            ("no-text", "must have a text"),
            ("returns-number", "must return a dict"),
            ("not-a-number", "is no JSON"),
        ]:
            _, error = self.ends(plugin, model)
            self.assertEqual(error["data"]["code"], "engine-failed", model)
            self.assertIn(message, error["message"])

    def test_are_not_fatal(self):
        plugin = self.open()
        self.ends(plugin, "breaks")
        self.assertEqual(text_of(self.ends(plugin, "echo", text="a  b c ")[0]), "a  b c ")


class Cancels(Chats):
    limits = {"maxLineBytes": 8388608, "inlineLimitBytes": 1048576, "cancelDeadlineMs": 100}

    def cancelled(self, plugin, id):
        plugin.notify("cancel", id=id)
        plugin.notify("cancel", id=id)
        response = plugin.answer_of(id)
        self.assertEqual(response["result"]["reason"], "cancelled")
        self.assertEqual(plugin.call("is_running")["result"]["active"], 0)
        return response["result"]

    def test_close_the_generator_at_its_yield_and_hear_what_it_returns(self):
        plugin = self.open(ODD)
        id = plugin.chat("never-ends", credit=7)
        parts = 0
        while parts < 7:
            parts += len(plugin.next()["params"]["parts"])
        plugin.notify("cancel", id=id)
        log = plugin.next()
        self.assertEqual((log["method"], log["params"]["message"]), ("log", "closed after 7"))
        expected = {"type": "finish", "reason": "cancelled", "usage": {"outputTokens": 7}, "timings": {"promptMs": 1}}
        self.assertEqual(plugin.answer_of(id)["result"], expected)

    def test_interrupt_an_engine_that_blocks_by_its_hooks(self):
        plugin = self.open(ODD)
        id = plugin.chat("waits-for-hook")
        self.assertEqual(plugin.next()["method"], "parts")
        plugin.notify("cancel", id=id)
        self.assertEqual(plugin.next()["params"]["message"], "interrupted, at once, True")
        self.assertEqual(plugin.answer_of(id)["result"]["usage"], {"outputTokens": 1})

    def test_are_answered_in_time_though_the_engine_blocks_on(self):
        plugin = self.open(ODD, limits=self.limits)
        for model, usage in [("never-yields", {}), ("blocks-after-one", {"outputTokens": 1})]:
            id = plugin.chat(model)
            self.assertIn(plugin.next()["method"], ("state_changed", "parts"))
            self.assertEqual(self.cancelled(plugin, id)["usage"], usage)
        self.assertEqual(text_of(self.ends(plugin, "list")[0]), "from a list")

    def test_are_answered_though_the_generator_does_not_close(self):
        plugin = self.open(ODD)
        for model in ("refuses-to-close", "breaks-when-closed"):
            id = plugin.chat(model, credit=1)
            self.assertEqual(plugin.next()["method"], "parts")
            self.cancelled(plugin, id)

    def test_leave_other_chats_alone(self):
        plugin = self.open()
        first, second = plugin.chat("count", credit=1), plugin.chat("count", credit=1)
        plugin.next(), plugin.next()
        plugin.notify("cancel", id=first)
        self.assertEqual(plugin.answer_of(first)["result"]["reason"], "cancelled")
        plugin.notify("credit", id=second, parts=1)
        self.assertEqual(
            plugin.next()["params"], {"id": second, "seq": 2, "parts": [{"type": "text-delta", "text": "2 "}]}
        )

    def test_of_other_requests_are_errors(self):
        plugin = self.open(ODD, limits=self.limits)
        for method, model in [("unload_model", "a"), ("pull_model", "endless"), ("pull_model", "hangs")]:
            id = plugin.ask(method, {"model": model})
            if method == "pull_model":
                self.assertEqual(plugin.next()["params"]["status"], "fetching")
            plugin.notify("cancel", id=id)
            self.assertEqual(plugin.answer_of(id)["error"]["data"]["code"], "cancelled")
        plugin.end_input()
        self.assertNotIn("pull_progress", [message.get("method") for message in plugin.rest()])


class Printing(Chats):
    def test_of_any_kind_goes_to_the_log(self):
        plugin = self.open(ODD)
        self.assertEqual(text_of(self.ends(plugin, "prints")[0]), "ok")
        plugin.end_input()
        self.assertEqual(plugin.exit_code(), 0, plugin.stderr.decode())
        self.assertEqual(plugin.rest(), [])
        log = plugin.stderr.decode().splitlines()
        for line in ("printed before serve()", "printed", "written", "by descriptor", "by a shell", "by a child"):
            self.assertIn(line, log)
