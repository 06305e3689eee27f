"""Which models there are, and what they can do."""

import json
import os
import unittest
from pathlib import Path

from lmapp_backend import BackendError

from tests.support import SOURCES, USER_DIR, Answer, open_backend


def ids(backend):
    return [model["id"] for model in backend.list_models()]


class Models(unittest.TestCase):
    def test_that_need_no_key_are_there_by_default(self):
        listed = ids(open_backend({}))
        self.assertIn("fixture/words", listed)
        self.assertIn("fixture/letters", listed)
        self.assertNotIn("fixture/locked", listed)
        self.assertNotIn("fixture/locked-letters", listed)
        self.assertNotIn("gpt-4o", listed)

    def test_that_need_a_key_are_there_when_they_are_allowed(self):
        listed = ids(open_backend({"remote": True}))
        self.assertTrue({"fixture/words", "fixture/locked", "fixture/locked-letters", "gpt-4o"} <= set(listed))

    def test_can_be_chosen(self):
        self.assertEqual(
            ids(open_backend({"only": ["fixture/lo*", "fixture/words"]})),
            ["fixture/words", "fixture/locked", "fixture/locked-letters"],
        )
        self.assertEqual(ids(open_backend({"only": [], "remote": True})), [])

    def test_say_what_they_can_do(self):
        models = {model["id"]: model["capabilities"] for model in open_backend({"remote": True}).list_models()}
        self.assertEqual(
            models["fixture/words"],
            {
                "chat": "yes",
                "continue": "no",
                "tools": "yes",
                "json-schema": "yes",
                "vision": "yes",
                "embed": "no",
                "parallel": 1,
            },
        )
        self.assertEqual(
            models["fixture/letters"],
            {
                **dict.fromkeys(("chat", "continue", "tools", "json-schema", "vision", "reasoning"), "no"),
                "embed": "yes",
                "parallel": 1,
            },
        )
        self.assertEqual(models["fixture/old"]["json-schema"], "no")
        self.assertNotIn("parallel", models["fixture/locked"])

    def test_are_found_by_alias_too(self):
        backend = open_backend()
        Path(USER_DIR.name, "aliases.json").write_text(json.dumps({"mine": "fixture/old", "other": "nobody", "odd": 1}))
        self.addCleanup(Path(USER_DIR.name, "aliases.json").unlink)
        self.assertEqual(Answer(backend, "words", "Say hello").text, Answer(backend, "fixture/words", "Say hello").text)
        self.assertEqual(Answer(backend, "mine", "A").text, "[] A")

    def test_stay_where_the_file_of_aliases_is_broken(self):
        path = Path(USER_DIR.name, "aliases.json")
        self.addCleanup(path.unlink)
        for text in ("{", "[1]"):
            path.write_text(text)
            backend = open_backend()
            self.assertIn("fixture/words", ids(backend))
            self.assertIn("aliases.json is left out", str(backend.context.logged))

    def test_that_come_later_are_found(self):
        backend = open_backend()
        os.environ["LLM_FIXTURE_LATER"] = "1"
        self.addCleanup(os.environ.pop, "LLM_FIXTURE_LATER")
        self.assertEqual(Answer(backend, "fixture/later", "A").text, "[] A")

    def test_keep_their_weights(self):
        backend = open_backend()
        before = backend._catalogue.find("fixture/words").chat
        backend.list_models()
        self.assertIs(backend._catalogue.find("fixture/words").chat, before)

    def test_that_are_unknown_or_hidden_are_not_found(self):
        backend = open_backend({})
        for name, hint in (("nobody", None), ("fixture/locked", "remote"), ("gpt-4o", "remote")):
            with self.assertRaises(BackendError) as caught:
                Answer(backend, name, "A")
            self.assertEqual(caught.exception.code, "model-not-found")
            self.assertIn(hint or "", caught.exception.hint or "")
        with self.assertRaises(BackendError) as caught:
            Answer(open_backend({"only": ["x"]}), "fixture/words", "A")
        self.assertIn("only", caught.exception.hint)


class Plugins(unittest.TestCase):
    def test_that_are_broken_are_left_out_and_named_once(self):
        backend = open_backend()
        self.assertIn("fixture/words", ids(backend))
        ids(backend)
        named = [text for _, text in backend.context.logged if "half" in text]
        self.assertEqual(len(named), 1)
        self.assertIn("OSError", named[0])

    def test_that_are_wanted_must_be_there(self):
        self.assertIn("fixture/words", ids(open_backend({"loadPlugins": ["LLM_Fixture"]})))
        with self.assertRaises(BackendError) as caught:
            open_backend({"loadPlugins": ["llm-nowhere"]})
        self.assertEqual(caught.exception.code, "config-invalid")

    def test_are_looked_for_in_folders_only(self):
        with self.assertRaises(BackendError) as caught:
            open_backend({"pluginsDir": "/nowhere"})
        self.assertEqual(caught.exception.code, "config-invalid")
        self.assertIn("--target /nowhere", caught.exception.hint)

    def test_keep_their_own_keys(self):
        backend = open_backend(secrets={"apiKey": "sk-1"})
        self.assertIn("keys set", str(backend.context.logged))
        self.assertNotIn("sk-1", str(backend.context.logged))


class Manifest(unittest.TestCase):
    manifest = json.loads((SOURCES / "lmapp_backend_llm" / "lmapp-backend.json").read_text("utf-8"))

    def test_says_what_the_backend_says(self):
        from lmapp_backend.backend import to_info

        info = to_info(open_backend(), "1.0")
        self.assertEqual(info["capabilities"], self.manifest["capabilities"])
        for key in ("name", "version"):
            self.assertEqual(info[key], self.manifest[key])
        self.assertRegex(info["engineVersion"], r"^\d+\.\d+")
