import base64
import hashlib
import json
import os
import struct
import unittest
from pathlib import Path

from lmapp_backend.methods import METHODS
from tests.support import FIXTURES, Plugin

ODD = FIXTURES / "odd.py"


def code_of(response):
    return response["error"]["data"]["code"]


class Hello(unittest.TestCase):
    def test_says_who_it_is_and_what_it_can(self):
        with Plugin(ODD) as plugin:
            result = plugin.greet()
            info = plugin.call("get_info")["result"]
        self.assertEqual((result["interfaceVersion"], result["nonce"], result["info"]), ("1.0", "n", info))
        self.assertEqual((info["name"], info["version"], info["engineVersion"]), ("odd", "0.2.0", "9"))
        self.assertEqual(info["description"], "Nothing works.")
        expected = {
            "chat": "yes",
            "tools": "yes",
            "vision": "no",
            "embed": "unknown",
            "count-tokens": "yes",
            "load": "yes",
        }
        expected.update({"unload": "no", "pull": "yes", "remove": "no", "dance": "yes"})
        self.assertEqual({name: info["capabilities"].get(name) for name in expected}, expected)

    def test_comes_first_and_once(self):
        with Plugin() as plugin:
            plugin.read()
            for method in ("list_models", "is_running", "dance"):
                self.assertEqual(code_of(plugin.call(method)), "protocol-violation")
            plugin.greet()
            self.assertEqual(code_of(plugin.call("hello", plugin.hello_params)), "protocol-violation")

    def test_is_for_versions_that_it_knows(self):
        with Plugin() as plugin:
            plugin.read()
            for versions in ([], ["2.0"], ["1", "1.x", "x.1", "11.0"]):
                response = plugin.call("hello", {**plugin.hello_params, "interfaceVersions": versions})
                self.assertEqual((response["error"]["code"], code_of(response)), (-32034, "interface-version"))
            response = plugin.call("hello", {**plugin.hello_params, "interfaceVersions": ["2.0", "1.12"]})
            self.assertEqual(response["result"]["interfaceVersion"], "1.0")

    def test_with_wrong_parameters_is_refused_by_name(self):
        with Plugin() as plugin:
            plugin.read()
            wrong = [
                {"interfaceVersions": "1.0"},
                {"interfaceVersions": [1]},
                {"nonce": 1},
                {"dataDir": None},
                {"exchangeDir": []},
            ]
            for member in wrong:
                response = plugin.call("hello", {**plugin.hello_params, **member})
                self.assertEqual(code_of(response), "bad-input")
                self.assertIn(next(iter(member)), response["error"]["message"])
            self.assertEqual(code_of(plugin.call("hello", [])), "bad-input")
            odd = {"config": 1, "secrets": {"a": 1}, "limits": {"maxLineBytes": "x", "cancelDeadlineMs": True}}
            self.assertIn("result", plugin.call("hello", {**plugin.hello_params, **odd}))

    def test_tells_why_the_backend_cannot_be_made(self):
        with Plugin(ODD, config={"init": "fails"}) as plugin:
            plugin.read()
            response = plugin.call("hello", plugin.hello_params)
            self.assertEqual((code_of(response), response["error"]["message"]), ("engine-failed", "I cannot be made."))
            plugin.end_input()
            self.assertEqual(plugin.exit_code(), 0, plugin.stderr.decode())

    def test_comes_before_any_notification(self):
        with Plugin(ODD) as plugin:
            plugin.read()
            plugin.ask("hello", plugin.hello_params)
            self.assertIn("result", plugin.next())
            plugin.end_input()
            self.assertEqual(plugin.exit_code(), 0, plugin.stderr.decode())
            self.assertIn(b"info: too early", plugin.stderr)


class Lifecycle(unittest.TestCase):
    def test_starts_once_and_stops_once(self):
        with Plugin(ODD) as plugin:
            plugin.greet()
            self.assertEqual(plugin.call("is_running")["result"]["state"], "stopped")
            ids = [plugin.ask("start") for _ in range(3)]
            responses = {message["id"]: message for message in (plugin.next() for _ in ids)}
            self.assertEqual([responses[id]["result"] for id in ids], [None] * 3)
            self.assertEqual(plugin.call("list_models")["result"]["models"][0], {"id": "a", "starts": 1})
            self.assertEqual(plugin.call("is_running")["result"]["running"], True)
            for _ in range(2):
                self.assertIsNone(plugin.call("stop")["result"])
            self.assertEqual(plugin.call("is_running")["result"]["state"], "stopped")
            self.assertIsNone(plugin.call("start")["result"])
            self.assertEqual(plugin.call("list_models")["result"]["models"][0]["starts"], 2)
            plugin.end_input()
            self.assertEqual(plugin.exit_code(), 0, plugin.stderr.decode())
            self.assertEqual(plugin.stderr.count(b"stopped\n"), 2)

    def test_tells_why_it_does_not_start(self):
        with Plugin(ODD, config={"start": "fails"}) as plugin:
            plugin.greet()
            expected = {"code": "backend-unreachable", "hint": "Knock.", "details": {"door": 1}}
            self.assertEqual(plugin.call("start")["error"]["data"], expected)
            self.assertEqual(plugin.call("is_running")["result"]["state"], "failed")

    def test_stop_ends_what_runs(self):
        with Plugin(ODD) as plugin:
            plugin.greet()
            chat, pull = plugin.chat("never-ends", credit=1), plugin.ask("pull_model", {"model": "endless"})
            stop = plugin.ask("stop")
            ended = {}
            while stop not in ended:
                message = plugin.next()
                ended.update({message["id"]: message} if "id" in message else {})
            self.assertEqual(ended[chat]["result"]["reason"], "cancelled")
            self.assertEqual(code_of(ended[pull]), "cancelled")


class Methods(unittest.TestCase):
    def setUp(self):
        limits = {"maxLineBytes": 8388608, "inlineLimitBytes": 20, "cancelDeadlineMs": 5000}
        self.plugin = Plugin(ODD, limits=limits, secrets={"key": "s"})
        self.addCleanup(self.plugin.__exit__)
        self.plugin.greet()

    def call(self, method, **params):
        return self.plugin.call(method, params)

    def test_that_nobody_knows_or_the_class_lacks_are_not_found(self):
        for method in ("dance", "toString", "__init__", "remove_model", "x" * 100_000):
            response = self.call(method, model="a")
            self.assertEqual((response["error"]["code"], code_of(response)), (-32601, "method-not-found"))
            self.assertLess(len(json.dumps(response)), 600)

    def test_with_wrong_parameters_are_refused(self):
        message = {"role": "user", "content": []}
        for method, params in [
            ("chat", None),
            ("chat", 7),
            ("chat", {"request": "hi"}),
            ("chat", {"request": {"model": 1, "messages": []}}),
            ("chat", {"request": {"model": "a", "messages": {}}}),
            ("chat", {"request": {"model": "a", "messages": [1]}}),
            ("chat", {"request": {"model": "a", "messages": [{**message, "role": 1}]}}),
            ("chat", {"request": {"model": "a", "messages": [{**message, "content": "x"}]}}),
            ("chat", {"request": {"model": "a", "messages": []}}),
            ("embed", {"model": "a", "input": [1]}),
            ("embed", {"input": []}),
            ("count_tokens", {"model": "a", "messages": "x"}),
            ("show_model", []),
            ("pull_model", {"model": 1}),
        ]:
            with self.subTest(method, params=params):
                self.assertEqual(code_of(self.plugin.call(method, params)), "bad-input")

    def test_notifications_that_are_wrong_are_ignored(self):
        for params in ("all", {}, {"id": []}, {"id": 77}, {"id": True}, {"id": 77, "parts": "many"}):
            for method in ("cancel", "credit", "dance"):
                self.plugin.send({"method": method, "params": params})
        self.plugin.send({"id": 1, "result": 5})
        self.plugin.send({"id": None, "error": {}})
        self.assertIn("result", self.call("is_running"))

    def test_a_number_that_runs_is_not_taken_twice(self):
        id = self.plugin.chat("never-ends", credit=0)
        self.plugin.send({"id": id, "method": "list_models"})
        self.assertEqual(code_of(self.plugin.answer_of(id)), "protocol-violation")
        self.plugin.notify("credit", id=id, parts=1)
        self.assertEqual(self.plugin.next()["params"]["id"], id)

    def test_models_are_shown_loaded_and_counted(self):
        self.assertEqual(self.call("show_model", model="a")["result"], {"id": "a", "half": "\ufffd"})
        self.assertIsNone(self.call("load_model", model="a")["result"])
        self.assertEqual(self.call("count_tokens", model="a", messages=[])["result"], {"tokens": 0, "exact": False})
        self.assertEqual(self.call("count_tokens", model="exact", messages=[])["result"], {"tokens": 2, "exact": True})

    def test_tools_that_the_backend_does_not_count_are_estimated(self):
        tools = [{"name": "f", "parameters": {"type": "object", "title": "é\ud83d"}}]
        for model, without in (("a", 0), ("exact", 2)):
            result = self.call("count_tokens", model=model, messages=[], tools=tools)["result"]
            self.assertGreater(result["tokens"], without + 10)
            self.assertFalse(result["exact"])
        self.assertEqual(code_of(self.call("count_tokens", model="a", messages=[], tools="f")), "bad-input")

    def test_tools_are_given_to_a_backend_that_takes_them(self):
        class Opened:
            hello = {"exchangeDir": ""}

            def optional(self, name):
                return lambda model, messages, tools=None: {"tokens": len(tools or ()), "exact": True}

        for tools, tokens in ([{"name": "f", "parameters": {}}], 1), ([], 0):
            params = {"model": "a", "messages": [], "tools": tools}
            self.assertEqual(METHODS["count_tokens"](Opened(), params), {"tokens": tokens, "exact": True})

    def test_pulls_tell_their_steps_and_their_end(self):
        id = self.plugin.ask("pull_model", {"model": "a"})
        self.assertEqual(self.plugin.next()["params"], {"status": "fetching", "id": id})
        self.assertEqual(self.plugin.next()["result"], {"status": "verified"})
        self.assertEqual(code_of(self.call("pull_model", model="wrong")), "engine-failed")

    def test_vectors_travel_inline_or_as_a_file(self):
        result = self.call("embed", model="counts", input=["a", "bc"])["result"]
        self.assertEqual((result["dimensions"], result["inputTokens"]), (2, 7))
        rows = [struct.unpack("<2f", base64.b64decode(vector)) for vector in result["vectors"]]
        self.assertEqual(rows, [(1, -0.5), (2, -0.5)])
        result = self.call("embed", model="a", input=["a", "bc", "def"])["result"]
        content = Path(result["vectors"]["file"]).read_bytes()
        self.assertEqual(struct.unpack("<6f", content), (1, -0.5, 2, -0.5, 3, -0.5))
        self.assertEqual(result["vectors"]["sha256"], hashlib.sha256(content).hexdigest())
        self.assertEqual(self.call("embed", model="a", input=[])["result"], {"vectors": [], "dimensions": 0})
        self.assertEqual(code_of(self.call("embed", model="uneven", input=[])), "engine-failed")

    def test_values_come_by_file(self):
        content = json.dumps(["x" * 100]).encode()
        path = os.path.join(self.plugin.exchange_dir, "input.json")
        Path(path).write_bytes(content)
        value = {"file": path, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        result = self.call("embed", model="a", input=value)["result"]
        self.assertEqual(struct.unpack("<2f", base64.b64decode(result["vectors"][0])), (100, -0.5))
        self.assertEqual(code_of(self.call("embed", model="a", input={**value, "bytes": 1})), "protocol-violation")

    def test_health_is_what_the_backend_adds_to_it(self):
        health = self.call("is_running")["result"]
        self.assertEqual((health["active"], health["models"]), (0, [{"id": "a", "state": "ready"}]))

    def test_secrets_and_folder_reach_the_backend(self):
        parts, _, _ = self.plugin.collect(self.plugin.chat("secret"))
        self.assertEqual(parts[0]["text"], "{'key': 's'} True")


class Threads(unittest.TestCase):
    def test_that_cannot_be_started_are_told_and_end_nothing(self):
        with Plugin(ODD) as plugin:
            plugin.greet()
            chat = plugin.chat("waits-for-hook")
            self.assertEqual(plugin.next()["method"], "parts")
            plugin.call("load_model", {"model": "too-large"})
            self.assertEqual(code_of(plugin.call("list_models")), "busy")
            self.assertEqual(code_of(plugin.answer_of(plugin.chat("kinds"))), "busy")
            plugin.notify("cancel", id=chat)
            self.assertEqual(plugin.answer_of(chat)["result"]["reason"], "cancelled")
            plugin.end_input()
            self.assertEqual(plugin.exit_code(), 0, plugin.stderr.decode())


class Health(unittest.TestCase):
    def test_that_hangs_holds_nothing_else_up(self):
        with Plugin(ODD, config={"health": "hangs", "models": "wrong"}) as plugin:
            plugin.greet()
            health = plugin.ask("is_running")
            self.assertEqual(code_of(plugin.call("list_models")), "engine-failed")
            plugin.ask("load_model", {"model": "a"})
            self.assertIn("result", plugin.answer_of(health))
