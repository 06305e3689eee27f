"""The golden exchanges of the contract, and our own, against the example backend."""

import os
import unittest
from pathlib import Path

from tests.player import Mismatch, matches, play
from tests.support import HERE

SPECS = Path(os.environ.get("LMAPP_SPECS") or HERE.parent.parent.parent / "specs")


class Transcripts(unittest.TestCase):
    def test_of_the_contract(self):
        files = sorted((SPECS / "transcripts").glob("*.ndjson"))
        self.assertTrue(files, f"There are no transcripts in {SPECS}.")
        for file in files:
            with self.subTest(file.name):
                play(file.read_text("utf-8").splitlines())

    def test_of_our_own(self):
        for file in sorted((HERE / "transcripts").glob("*.ndjson")):
            with self.subTest(file.name):
                play(file.read_text("utf-8").splitlines())


class Player(unittest.TestCase):
    lines = (HERE / "transcripts" / "several.ndjson").read_text("utf-8").splitlines()

    def refuses(self, change, pattern):
        with self.assertRaisesRegex(Mismatch, pattern):
            play([line for old in self.lines if (line := change(old))])

    def test_notices_another_text(self):
        self.refuses(lambda line: line.replace('"text":"2 "', '"text":"3 "'), r"Line \d+: .*was expected")

    def test_notices_another_code(self):
        self.refuses(lambda line: line.replace("-32032", "-32033"), "was expected")

    def test_notices_another_exit(self):
        self.refuses(lambda line: line.replace('"pluginExit":0', '"pluginExit":3'), "ended with 0 instead of 3")

    def test_notices_what_nobody_expects(self):
        self.refuses(lambda line: "" if '"pull_progress"' in line and "<any>" in line else line, "was expected")
        self.refuses(lambda line: "" if '{"plugin":{"id":4' in line else line, "more than it should")

    def test_matches_by_the_rules(self):
        self.assertTrue(matches({"a": [1, "<any>"]}, {"a": [1, {"x": 2}], "b": 3}))
        self.assertFalse(matches({"a": [1]}, {"a": [1, 2]}))
        self.assertFalse(matches({"a": None}, {}))
        self.assertFalse(matches({"a": 1}, {"a": True}))
        self.assertTrue(matches({"error": {"code": 1, "message": "x"}}, {"error": {"code": 1, "message": "y"}}))
