import contextlib
import json
import os
import random
import threading
import unittest

from lmapp_backend import BackendError
from lmapp_backend.wire import MAX_LINE_BYTES, BrokenLine, Writer, parse_message, read_messages, to_json


def reading(data: bytes):
    """All messages of what a host writes before it closes its side."""
    source, sink = os.pipe()
    writer = threading.Thread(target=lambda: (_write(sink, data), os.close(sink)))
    writer.start()
    try:
        return list(read_messages(source))
    finally:
        os.close(source)
        writer.join()


def _write(sink, data):
    rest = memoryview(data)
    try:
        while rest:
            rest = rest[os.write(sink, rest) :]
    except BrokenPipeError:
        pass


class Reading(unittest.TestCase):
    def test_gives_requests_notifications_and_responses(self):
        lines = [
            {"id": 1, "method": "a", "params": {"text": "ä🙂\u2028"}},
            {"id": "x", "method": "b"},
            {"method": "c", "unknown": True},
            {"id": 1, "result": None},
            {"id": None, "error": {}},
        ]
        self.assertEqual(reading(b"\n\r\n".join(json.dumps(line).encode() for line in lines) + b"\n"), lines)

    def test_gives_lines_of_any_length_up_to_the_limit(self):
        text = "x" * (MAX_LINE_BYTES - len('{"method":""}'))
        self.assertEqual(reading(f'{{"method":"{text}"}}\n{{"method":"a"}}\n'.encode())[0], {"method": text})
        for data in (b"x" * (MAX_LINE_BYTES + 1) + b"\n", b"x" * (MAX_LINE_BYTES + 100_000)):
            with self.assertRaisesRegex(BrokenLine, r"^A line is longer than 8388608 bytes: x{200}$"):
                reading(data)

    def test_leaves_out_a_last_line_that_is_cut(self):
        self.assertEqual(reading(b'{"method":"a"}\n{"method":'), [{"method": "a"}])

    def test_names_what_is_wrong_with_a_line_and_shows_its_beginning(self):
        for line, reason in [
            (b"what?", "no JSON: what\\?$"),
            (b'{"method":"a","params":NaN}', "no JSON"),
            (b"[" * 100_000, "no JSON|too deeply"),
            (b'{"method":"\xff"}', "no UTF-8: .*xff"),
            (b'{"method":"\xed\xa0\xbd"}', "no UTF-8"),
            (b"[]", "no object"),
            (b'"method"', "no object"),
            (b"{}", "neither"),
            (b'{"id":true,"method":"a"}', "neither"),
            (b'{"id":null,"method":"a"}', "neither"),
            (b'{"id":1,"method":7}', "neither"),
        ]:
            with self.subTest(line[:40]), self.assertRaisesRegex(BrokenLine, reason) as caught:
                reading(line + b"\n")
            self.assertLess(len(str(caught.exception)), 300)

    def test_survives_whatever_comes(self):
        chance = random.Random(6)
        whole = b'{"jsonrpc":"2.0","id":1,"method":"chat","params":{"request":{"model":"\\ud83d"},"credit":1e3}}'
        for _ in range(5000):
            line = bytearray(whole[: chance.randrange(len(whole) + 1)])
            for _ in range(chance.randrange(4)):
                line.insert(chance.randrange(len(line) + 1), chance.randrange(256))
            with contextlib.suppress(BrokenLine):
                self.assertIsInstance(parse_message(bytes(line)), dict)


class Json(unittest.TestCase):
    def test_never_holds_half_a_character(self):
        self.assertEqual(to_json({"a": "x\ud83d\ude00\ud83dy\ude00"}).decode(), '{"a":"x😀\ufffdy\ufffd"}')

    def test_is_strict(self):
        for value in (float("nan"), float("inf"), object(), {1j: 2}):
            with self.assertRaises((TypeError, ValueError)):
                to_json(value)


class Writing(unittest.TestCase):
    def setUp(self):
        self.source, self.sink = os.pipe()
        self.addCleanup(os.close, self.sink)
        self.broken = threading.Event()
        self.writer = Writer(self.sink, self.broken.set)

    def test_keeps_lines_whole_whoever_writes_and_waits_for_the_reader(self):
        lines = [bytes([65 + number]) * 100_000 for number in range(10)]
        threads = [threading.Thread(target=self.writer.write, args=(line,)) for line in lines]
        for thread in threads:
            thread.start()
        self.writer.later(lambda: self.writer.write(b"later"))
        received = b""
        while received.count(b"\n") < 11:
            received += os.read(self.source, 65536)
        self.assertEqual(sorted(received.splitlines()), [*lines, b"later"])
        for thread in threads:
            thread.join()
        os.close(self.source)

    def test_refuses_what_is_too_long(self):
        self.writer.max_line_bytes = 10
        with self.assertRaises(BackendError) as caught:
            self.writer.write(b"x" * 11)
        self.assertEqual(caught.exception.code, "bad-input")
        self.writer.write(b"x" * 10)
        self.assertEqual(os.read(self.source, 100), b"x" * 10 + b"\n")
        os.close(self.source)

    def test_tells_that_nobody_reads_any_more_and_is_silent_from_then_on(self):
        os.close(self.source)
        self.writer.notify("log", {})
        self.assertTrue(self.broken.is_set())
        self.writer.notify("log", {})
