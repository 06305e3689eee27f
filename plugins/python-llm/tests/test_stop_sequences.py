"""A text ends before a stop sequence, however it is cut into pieces."""

import random
import unittest

from lmapp_backend_llm.stop_sequences import StopSequences


def cut(pieces, sequences):
    stop, given = StopSequences(sequences), []
    for piece in pieces:
        given.append(stop.push(piece))
        if stop.reached:
            break
    return "".join(given) + stop.rest()


class Sequences(unittest.TestCase):
    def test_end_the_text_wherever_it_is_cut(self):
        chance = random.Random(7)
        for _ in range(3000):
            text = "".join(chance.choices("ab🐟", k=chance.randrange(30)))
            sequences = ["".join(chance.choices("ab🐟", k=chance.randrange(4))) for _ in range(chance.randrange(3))]
            ends = [(text.find(one) + len(one), text.find(one)) for one in sequences if one and one in text]
            pieces, rest = [], text
            while rest:
                size = chance.randrange(1, 5)
                pieces.append(rest[:size])
                rest = rest[size:]
            with self.subTest(text=text, sequences=sequences, pieces=pieces):
                got = cut(pieces, sequences)
                expected = text[: min(ends)[1]] if ends else text
                self.assertEqual(got, expected)

    def test_hold_nothing_back_that_cannot_become_one(self):
        stop = StopSequences(["end"])
        self.assertEqual([stop.push("the e"), stop.push("n"), stop.push("ough")], ["the ", "", "enough"])
