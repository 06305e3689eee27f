"""Plays `specs/transcripts/NAME.ndjson` against the example backend."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from tests.support import Plugin


class Mismatch(AssertionError):
    pass


def play(lines: list[str]) -> None:
    """Raises Mismatch when the plugin does otherwise."""
    steps = [json.loads(line) for line in lines if line.strip()]
    if "transcript" not in steps[0]:
        raise Mismatch("The first line must name the transcript.")
    with Plugin() as plugin:
        plugin.read()
        player = Player(plugin)
        for number, step in enumerate(steps[1:], 2):
            try:
                player.take(step)
            except (AssertionError, EOFError) as error:
                raise Mismatch(f"Line {number}: {error}") from error
        player.finish()


class Player:
    def __init__(self, plugin: Plugin):
        self.plugin = plugin
        self.places = {"<dataDir>": plugin.folder.name, "<exchangeDir>": plugin.exchange_dir, "<nonce>": "5f0c"}
        self.files: dict[str, dict] = {}
        self.expected: dict[object, list] = {}
        self.arrived: dict[object, list] = {}
        self.seqs: dict[object, int] = {}

    def take(self, step: dict) -> None:
        [(kind, value)] = step.items()
        if kind == "plugin":
            add(self.expected, self.fill(value))
            return
        self.settle()
        if kind == "host":
            self.plugin.write(json.dumps(self.fill(value)).encode() + b"\n")
        elif kind == "hostRaw":
            self.plugin.write(value.encode() + b"\n")
        elif kind == "hostEnd":
            self.plugin.end_input()
        elif kind == "file":
            self.write_file(value["name"], value["json"])
        elif kind == "pluginExit":
            code = self.plugin.exit_code()
            assert code == value, f"It ended with {code} instead of {value}: {self.plugin.stderr.decode()}"
        else:
            raise Mismatch(f'A step "{kind}" is not known.')

    def settle(self) -> None:
        """Waits until everything came that was expected so far."""
        while any(self.expected.values()):
            for key, messages in self.expected.items():
                while messages and self.arrived.get(key):
                    check(messages.pop(0), self.arrived[key].pop(0))
            if any(self.expected.values()):
                self.receive(self.plugin.next())

    def finish(self) -> None:
        """What comes after the host has closed its side, such as the ends of what ran, is free."""
        self.settle()
        rest = [message for messages in self.arrived.values() for message in messages]
        if rest:
            raise Mismatch(f"It said more than it should: {json.dumps(rest)[:300]}")

    def receive(self, message: dict) -> None:
        if message.get("method") == "parts":
            id = message["params"]["id"]
            self.seqs[id] = self.seqs.get(id, 0) + 1
            assert message["params"]["seq"] == self.seqs[id], f"{message} has another seq than {self.seqs[id]}."
            assert message["params"]["parts"], "A notification of parts has none."
        if message.get("method") != "log":
            add(self.arrived, message)

    def write_file(self, name: str, value: object) -> None:
        content = json.dumps(self.fill(value)).encode()
        path = Path(self.plugin.exchange_dir, name)
        path.write_bytes(content)
        os.chmod(path, 0o600)
        self.files[name] = {
            "file": str(path),
            "bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        }

    def fill(self, value):
        if isinstance(value, str):
            for place, text in self.places.items():
                value = value.replace(place, text)
            return value
        if isinstance(value, list):
            return [self.fill(item) for item in value]
        if isinstance(value, dict):
            if set(value) == {"$file"}:
                return self.files[value["$file"]]
            return {key: self.fill(item) for key, item in value.items()}
        return value


def add(messages: dict, message: dict) -> None:
    """Under the request that it is about; parts one by one, since each side may put them together in its own way."""
    params = message.get("params")
    about = params.get("id") if isinstance(params, dict) else None
    key = message["id"] if "id" in message else about if about is not None else message.get("method")
    split = [message]
    if message.get("method") == "parts":
        split = [{"part": part} for part in params["parts"]]
    messages.setdefault(key, []).extend(split)


def check(expected, actual) -> None:
    if not matches(expected, actual):
        raise Mismatch(f"{json.dumps(expected)[:300]} was expected, and {json.dumps(actual)[:300]} came.")


def matches(expected, actual) -> bool:
    if expected == "<any>":
        return True
    if isinstance(expected, dict):
        return isinstance(actual, dict) and all(
            key in actual and (matches_error if key == "error" else matches)(value, actual[key])
            for key, value in expected.items()
        )
    if isinstance(expected, list):
        return isinstance(actual, list) and len(expected) == len(actual) and all(map(matches, expected, actual))
    return type(expected) is type(actual) and expected == actual


def matches_error(expected, actual) -> bool:
    """Of an error only the code counts; its words are free."""
    wanted = {key: expected[key] for key in ("code",) if key in expected}
    if "data" in expected:
        wanted["data"] = {key: value for key, value in expected["data"].items() if key == "code"}
    return matches(wanted, actual)
