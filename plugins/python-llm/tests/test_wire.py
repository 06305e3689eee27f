"""As a real child process, over its stdin and stdout."""

import base64
import struct
import unittest

from tests.support import FIXTURES, Plugin


class Wire(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.plugin = Plugin().__enter__()
        cls.addClassCleanup(cls.plugin.__exit__)

    def test_an_answer_is_streamed_with_credit(self):
        plugin = self.plugin
        self.assertEqual((plugin.info["name"], plugin.started.get("result", 0)), ("python-llm", None))
        listed = [model["id"] for model in plugin.call("list_models")["result"]["models"]]
        self.assertIn("fixture/words", listed)
        id = plugin.chat("fixture/words", "Say hello", credit=2)
        parts = []
        while len(parts) < 2:
            parts += plugin.next()["params"]["parts"]
        self.assertEqual(len(parts), 2)
        plugin.send("credit", {"id": id, "parts": 100})
        response, rest = plugin.answer_of(id)
        self.assertEqual(len(parts + rest), 6)
        self.assertEqual(
            response["result"],
            {"type": "finish", "reason": "stop", "usage": {"inputTokens": 5, "outputTokens": 6}},
        )

    def test_a_cancel_in_mid_stream_ends_the_plugin_of_llm_too(self):
        plugin = self.plugin
        id = plugin.chat("fixture/endless", "Go", credit=10_000_000)
        plugin.next()
        self.assertEqual(plugin.call("is_running")["result"]["active"], 1)
        plugin.send("cancel", {"id": id})
        response, _ = plugin.answer_of(id)
        self.assertEqual(response["result"]["reason"], "cancelled")
        self.assertGreater(response["result"]["usage"]["outputTokens"], 0)
        plugin.until_stderr("the endless answer was closed")
        again = plugin.chat("fixture/endless", "Go on")
        self.assertEqual(plugin.next()["params"]["parts"][0]["type"], "text-delta")
        plugin.send("cancel", {"id": again})
        self.assertEqual(plugin.answer_of(again)[0]["result"]["reason"], "cancelled")

    def test_a_cancel_is_answered_though_the_engine_does_not_come_back(self):
        plugin = self.plugin
        id = plugin.chat("fixture/blocked", "Go")
        plugin.next()
        plugin.send("cancel", {"id": id})
        self.assertEqual(plugin.answer_of(id)[0]["result"]["reason"], "cancelled")
        # The model is still taken; others are not.
        self.assertEqual(plugin.answer_of(plugin.chat("fixture/old", "A"))[0]["result"]["reason"], "stop")

    def test_errors_say_when_they_came(self):
        plugin = self.plugin
        response, parts = plugin.answer_of(plugin.chat("fixture/fails-early", "A"))
        self.assertEqual((response["error"]["data"]["code"], parts), ("backend-refused", []))
        response, parts = plugin.answer_of(plugin.chat("fixture/fails-late", "A"))
        self.assertEqual((response["error"]["data"]["code"], len(parts)), ("engine-failed", 2))
        response, _ = plugin.answer_of(plugin.chat("fixture/nobody", "A"))
        self.assertEqual(response["error"]["data"]["code"], "model-not-found")

    def test_vectors_are_numbers_of_four_bytes(self):
        plugin = self.plugin
        result = plugin.call("embed", {"model": "letters", "input": ["ab"]})["result"]
        numbers = struct.unpack("<26f", base64.b64decode(result["vectors"][0]))
        self.assertEqual((result["dimensions"], numbers[:3]), (26, (1.5, 1.5, 0.5)))


class Ends(unittest.TestCase):
    def test_the_end_of_stdin_ends_it_in_mid_stream(self):
        with Plugin() as plugin:
            plugin.chat("fixture/endless", "Go", credit=10_000_000)
            plugin.next()
            plugin.process.stdin.close()
            while True:
                try:
                    plugin.next()
                except EOFError:
                    break
            self.assertEqual(plugin.process.wait(), 0)

    def test_settings_that_cannot_be_are_an_error_of_start(self):
        with Plugin({"loadPlugins": ["llm-nowhere"]}) as plugin:
            self.assertEqual(plugin.started["error"]["data"]["code"], "config-invalid")
            self.assertEqual(plugin.call("is_running")["result"]["state"], "failed")

    def test_plugins_may_lie_in_a_folder_of_their_own(self):
        with Plugin({"pluginsDir": str(FIXTURES / "more"), "loadPlugins": ["llm-fixture-more"]}) as plugin:
            listed = [model["id"] for model in plugin.call("list_models")["result"]["models"]]
            self.assertEqual(listed, ["fixture/more"])
