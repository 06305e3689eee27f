import re
import unittest

from lmapp_backend import BackendError
from lmapp_backend.errors import ERROR_NUMBERS, to_rpc_error
from tests.test_transcripts import SPECS


class Errors(unittest.TestCase):
    def test_are_those_of_the_contract(self):
        rows = re.findall(r"^\| `([a-z-]+)` \|.* \| (-\d+) \|", (SPECS / "errors.md").read_text("utf-8"), re.MULTILINE)
        self.assertEqual(ERROR_NUMBERS, {code: int(number) for code, number in rows})

    def test_carry_code_hint_and_details(self):
        error = BackendError("model-not-found", "No such model.", hint="Look.", details={"known": ["a"]})
        data = {"code": "model-not-found", "hint": "Look.", "details": {"known": ["a"]}}
        self.assertEqual(to_rpc_error(error), {"code": -32020, "message": "No such model.", "data": data})

    def test_of_other_kinds_are_failures_of_the_engine_in_their_own_words(self):
        for error, message in [(OSError("no disk"), "no disk"), (KeyError(), "KeyError")]:
            expected = {"code": -32032, "message": message, "data": {"code": "engine-failed"}}
            self.assertEqual(to_rpc_error(error), expected)

    def test_of_a_newer_side_keep_their_code(self):
        error = to_rpc_error(BackendError("out-of-ink", "Empty."))
        self.assertEqual((error["code"], error["data"]["code"]), (-32032, "out-of-ink"))
