import json
import unittest

from tests.support import HERE, Plugin, text_of

MINIMAL = HERE.parent / "examples" / "minimal.py"


class Minimal(unittest.TestCase):
    def test_is_what_the_readme_shows(self):
        shown = (HERE.parent / "README.md").read_text("utf-8").split("```python\n")[1].split("```")[0]
        self.assertEqual(MINIMAL.read_text("utf-8").split("\n\n", 1)[1], shown)

    def test_is_at_most_40_lines(self):
        self.assertLessEqual(len(MINIMAL.read_text("utf-8").splitlines()), 40)

    def test_answers_and_says_what_its_manifest_says(self):
        manifest = json.loads((MINIMAL.parent / "lmapp-backend.json").read_text("utf-8"))
        with Plugin(MINIMAL) as plugin:
            info = plugin.greet()["info"]
            self.assertEqual((info["name"], info["version"]), (manifest["name"], manifest["version"]))
            self.assertEqual(info["capabilities"], {**info["capabilities"], **manifest["capabilities"]})
            self.assertEqual(plugin.call("list_models")["result"]["models"], [{"id": "grey"}])
            parts, response, _ = plugin.collect(plugin.chat("grey", "hello you there"))
            self.assertEqual(text_of(parts), "hello you there")
            self.assertEqual(response["result"]["usage"], {"outputTokens": 3})
            error = plugin.answer_of(plugin.chat("blue"))["error"]
            self.assertEqual(error["data"]["code"], "model-not-found")
