import json
import os
import threading
import unittest

from lmapp_backend import BackendError
from lmapp_backend.outbox import MAX_BATCH_BYTES, Outbox
from lmapp_backend.parts import PartEncoder
from lmapp_backend.wire import Writer


class Sending(unittest.TestCase):
    def setUp(self):
        self.source, self.sink = os.pipe()
        self.file = os.fdopen(self.source, "rb")
        self.addCleanup(self.file.close)
        self.addCleanup(os.close, self.sink)
        self.writer = Writer(self.sink, lambda: None)

    def open(self, credit, id=1):
        return Outbox(self.writer, id, credit)

    def received(self):
        message = json.loads(self.file.readline())
        return message["params"]["seq"], message["params"]["parts"]

    def test_sends_the_first_part_at_once_and_later_ones_without_being_told(self):
        outbox = self.open(10)
        for number in (1, 2, 3):
            outbox.add(b"%d" % number)
        parts, seq = [], 0
        while len(parts) < 3:
            seq += 1
            received = self.received()
            self.assertEqual(received[0], seq)
            parts += received[1]
        self.assertEqual(parts, [1, 2, 3])

    def test_waits_without_credit_until_there_is_more(self):
        outbox = self.open(2)
        results = []
        adding = threading.Thread(target=lambda: results.extend(outbox.add(b"%d" % number) for number in range(5)))
        adding.start()
        parts = []
        while len(parts) < 2:
            parts += self.received()[1]
        outbox.grant(2)
        while len(parts) < 4:
            parts += self.received()[1]
        outbox.grant(1)
        adding.join()
        outbox.flush()
        parts += self.received()[1]
        self.assertEqual((parts, results), ([0, 1, 2, 3, 4], [True] * 5))

    def test_drops_what_waits_for_credit_when_it_is_closed_and_sends_what_had_some(self):
        outbox = self.open(2)
        results = []
        adding = threading.Thread(target=lambda: results.extend(outbox.add(b"%d" % number) for number in range(3)))
        adding.start()
        parts = []
        while len(parts) < 2:
            parts += self.received()[1]
        outbox.close()
        adding.join()
        outbox.grant(5)
        self.assertEqual(results, [True, True, False])
        self.assertFalse(outbox.add(b"9"))
        self.writer.write(b"the end")
        self.assertEqual(self.file.readline(), b"the end\n")

    def test_holds_the_engine_up_when_the_host_does_not_read_and_stays_small(self):
        outbox = self.open(1_000_000)
        part = json.dumps("x" * 1000).encode()
        added = []
        adding = threading.Thread(target=lambda: added.extend(outbox.add(part) for _ in range(2000)))
        adding.start()
        # The pipe takes 64 KiB; the rest has to wait. Nothing but the closing below lets it go on.
        while not outbox._sending.locked():
            pass
        self.assertLessEqual(len(outbox._pending), MAX_BATCH_BYTES // 1000 + 1)
        # The reader's thread is never held up by that.
        outbox.grant(1)
        parts = 0
        while parts < 2000:
            parts += len(self.received()[1])
        adding.join()
        self.assertLess(outbox._pending_bytes, MAX_BATCH_BYTES)

    def test_keeps_to_the_longest_line_of_the_host(self):
        self.writer.max_line_bytes = 300
        outbox = self.open(100, id="100 %d")
        for number in range(9):
            outbox.add(json.dumps(str(number) * 80).encode())
        outbox.flush()
        received = []
        while len(received) < 9:
            line = self.file.readline()
            self.assertLessEqual(len(line), 301)
            received += json.loads(line)["params"]["parts"]
        with self.assertRaisesRegex(BackendError, "longer than"):
            outbox.add(b"x" * 290)


class Encoding(unittest.TestCase):
    def encode(self, *parts):
        encoder = PartEncoder()
        return [json.loads(part) for part in map(encoder.encode, parts) if part is not None]

    def test_leaves_out_what_is_empty(self):
        self.assertEqual(
            self.encode("", {"type": "reasoning-delta", "text": ""}, {"type": "text-delta", "text": ""}), []
        )

    def test_joins_the_halves_of_a_character_of_the_same_kind(self):
        thought = {"type": "reasoning-delta", "text": "\ud83d"}
        parts = self.encode("a\ud83d", thought, "\ude00", {**thought, "text": "\ude01"}, "b")
        self.assertEqual([part["text"] for part in parts], ["a", "😀", "😁", "b"])

    def test_replaces_a_half_that_stands_alone(self):
        self.assertEqual([part["text"] for part in self.encode("\ude00", "\ud83d", "x")], ["\ufffd", "\ufffdx"])

    def test_keeps_what_else_is_in_a_part(self):
        part = {"type": "text-delta", "text": "ü", "logprobs": [{"token": "ü", "logprob": -1}]}
        self.assertEqual(
            self.encode(part, "ü", 'q"\n'),
            [part, {"type": "text-delta", "text": "ü"}, {"type": "text-delta", "text": 'q"\n'}],
        )
