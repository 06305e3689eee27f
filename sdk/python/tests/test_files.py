import hashlib
import json
import os
import stat
import struct
import tempfile
import unittest
from pathlib import Path

from lmapp_backend import BackendError
from lmapp_backend.files import read_file_value, resolve_large, to_vector_bytes, write_file_value


class Files(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.home = Path(folder.name).resolve()
        self.exchange = self.home / "exchange"
        self.exchange.mkdir()

    def value(self, content=b"hello", **other):
        return {**write_file_value(str(self.exchange), content), **other}

    def refused(self, value, pattern, code="protocol-violation"):
        with self.assertRaisesRegex(BackendError, pattern) as caught:
            resolve_large(value, str(self.exchange))
        self.assertEqual(caught.exception.code, code)

    def test_are_the_owners_only_and_say_size_and_checksum(self):
        value = self.value()
        self.assertEqual(Path(value["file"]).parent, self.exchange)
        self.assertEqual(stat.S_IMODE(os.stat(value["file"]).st_mode), 0o600)
        self.assertEqual((value["bytes"], value["sha256"]), (5, hashlib.sha256(b"hello").hexdigest()))
        self.assertEqual(read_file_value(str(self.exchange), value), b"hello")
        self.assertEqual(read_file_value(str(self.exchange), {**value, "file": Path(value["file"]).name}), b"hello")

    def test_hold_the_json_of_a_value(self):
        self.assertEqual(resolve_large(self.value(json.dumps(["ä"]).encode()), str(self.exchange)), ["ä"])
        self.assertEqual(resolve_large(["inline"], str(self.exchange)), ["inline"])
        self.assertEqual(resolve_large({"file": 1}, str(self.exchange)), {"file": 1})
        for content in (b"{", b"\xff", b"[" * 100_000):
            self.refused(self.value(content), "no JSON", "bad-input")

    def test_that_are_not_what_they_say_are_refused(self):
        self.refused(self.value(bytes=4), "another size")
        self.refused(self.value(sha256="0" * 64), "another checksum")
        self.refused(self.value(file=str(self.exchange / "missing")), "cannot be read")
        self.refused(self.value(file=str(self.exchange / "a\0b")), "cannot be read|outside")

    def test_elsewhere_are_refused(self):
        outside = self.home / "outside"
        outside.write_bytes(b"hello")
        (self.exchange / "link").symlink_to(outside)
        (self.exchange / "way-out").symlink_to(self.home)
        (self.exchange / "folder").mkdir()
        os.mkfifo(self.exchange / "pipe")
        for file, pattern in [
            (outside, "outside"),
            (self.exchange / ".." / "outside", "outside"),
            (self.exchange / "way-out" / "outside", "outside"),
            ("/\0/x", "outside"),
            (self.exchange / "link", "cannot be read"),
            (self.exchange / "folder", "no plain file"),
            (self.exchange / "pipe", "no plain file"),
        ]:
            with self.subTest(file):
                self.refused(self.value(file=str(file)), pattern)


class Vectors(unittest.TestCase):
    def test_are_little_endian_float32(self):
        rows, dimensions = to_vector_bytes([[1, -0.5], (0.0, 3.0)])
        self.assertEqual((rows, dimensions), ([struct.pack("<2f", 1, -0.5), struct.pack("<2f", 0, 3)], 2))
        self.assertEqual(to_vector_bytes([]), ([], 0))

    def test_have_one_length(self):
        with self.assertRaises(BackendError) as caught:
            to_vector_bytes([[1.0], [1.0, 2.0]])
        self.assertEqual(caught.exception.code, "engine-failed")
