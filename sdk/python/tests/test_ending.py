"""How the process ends, whatever runs in it."""

import os
import signal
import subprocess
import sys
import unittest

from tests.support import FIXTURES, SOURCES, Plugin

ODD = FIXTURES / "odd.py"


class Ending(unittest.TestCase):
    def ended(self, plugin, end):
        end(plugin)
        code = plugin.exit_code()
        return code, plugin.stderr.decode()

    def by_signal(self, number):
        return lambda plugin: plugin.process.send_signal(number)

    def test_comes_with_the_end_of_stdin_with_sigterm_and_in_silence_with_ctrl_c(self):
        for end in (Plugin.end_input, self.by_signal(signal.SIGTERM), self.by_signal(signal.SIGINT)):
            with Plugin(ODD) as plugin:
                plugin.greet()
                plugin.call("start")
                code, log = self.ended(plugin, end)
                self.assertEqual(code, 0)
                self.assertEqual(log, "printed before serve()\ninfo: too early\nstopped\n")

    def test_comes_without_a_hello(self):
        for end in (Plugin.end_input, self.by_signal(signal.SIGTERM)):
            with Plugin() as plugin:
                plugin.read()
                # An answer proves that it listens by now.
                plugin.call("is_running")
                self.assertEqual(self.ended(plugin, end), (0, ""))

    def test_cancels_what_runs(self):
        for end in (Plugin.end_input, self.by_signal(signal.SIGTERM)):
            with Plugin(ODD) as plugin:
                plugin.greet()
                work, chat = plugin.ask("unload_model", {"model": "a"}), plugin.chat("never-ends", credit=1)
                # Both are read by now.
                self.assertEqual(plugin.next()["method"], "parts")
                self.assertEqual(self.ended(plugin, end)[0], 0)
                rest = {message["id"]: message for message in plugin.rest() if "id" in message}
                self.assertEqual(rest[chat]["result"]["reason"], "cancelled")
                self.assertEqual(rest[work]["error"]["data"]["code"], "cancelled")

    def test_comes_though_everything_hangs(self):
        plugins = []
        for config in ({}, {"stop": "hangs"}):
            plugin = Plugin(ODD, config=config)
            self.addCleanup(plugin.__exit__)
            plugin.greet()
            for model in ("never-yields", "never-yields"):
                plugin.chat(model)
                self.assertEqual(plugin.next()["method"], "state_changed")
            plugins.append(plugin)
        for plugin in plugins:
            plugin.end_input()
        for plugin in plugins:
            self.assertEqual(plugin.exit_code(), 0, plugin.stderr.decode())

    def test_comes_though_the_host_does_not_read(self):
        with Plugin(ODD) as plugin:
            plugin.ask("hello", plugin.hello_params)
            plugin.chat("counts", credit=1_000_000, options={"maxTokens": 1_000_000})
            for _ in range(100):
                plugin.ask("is_running")
            plugin.end_input()
            self.assertEqual(plugin.exit_code(), 0, plugin.stderr.decode())

    def test_comes_when_nobody_reads_any_more(self):
        with Plugin(ODD) as plugin:
            plugin.process.stdout.close()
            plugin.ask("hello", plugin.hello_params)
            self.assertEqual(plugin.exit_code(), 0, plugin.stderr.decode())
            plugin.process.stdout = open(os.devnull, "rb")

    def test_tells_what_was_wrong_with_a_line(self):
        for line, reason in [
            (b"what? " * 100, "no JSON: what? what?"),
            (b'{"method":"\xff"}', "no UTF-8"),
            (b"[]", "no object"),
        ]:
            with Plugin(ODD) as plugin:
                plugin.greet()
                plugin.write(line + b"\n")
                self.assertEqual(plugin.exit_code(), 1)
                log = plugin.stderr.decode()
                self.assertIn(f"odd 0.2.0: The line from the host broke: A line is {reason}", log)
                self.assertIn("stopped\n", log)
                self.assertLess(max(map(len, log.splitlines())), 300)

    def test_tells_why_it_could_not_stop(self):
        with Plugin(ODD, config={"stop": "fails"}) as plugin:
            plugin.greet()
            code, log = self.ended(plugin, Plugin.end_input)
            self.assertEqual(code, 1)
            self.assertIn("ValueError: I cannot stop.", log)

    def test_runs_what_was_registered_for_the_exit(self):
        program = (
            "import atexit, lmapp_backend as l\n"
            "class A(l.Backend):\n name = 'a'; version = '1'\n"
            "atexit.register(print, 'registered')\n"
            "l.serve(A)"
        )
        done = self.run_program(program)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"", b"registered\n"))

    def test_of_a_class_without_a_name_is_an_error(self):
        done = self.run_program("import lmapp_backend as l\nclass A(l.Backend):\n version = '1'\nl.serve(A)")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"must have a name and a version", done.stderr)

    def run_program(self, program):
        environment = {**os.environ, "PYTHONPATH": str(SOURCES)}
        return subprocess.run(
            [sys.executable, "-c", program], input=b"", capture_output=True, env=environment, timeout=20
        )
