# SPDX-License-Identifier: MIT
"""What the README says is true: its examples are run as they stand there, and its tables are the programs' own.

An example is a fenced block of `sh` whose first line is `# api`. A line that begins with `$ ` is a command (it goes on
in the next line after a backslash), the lines below it are what it must print. `...` in them stands for any text, for
what cannot be the same each time. All examples run in their order against one new store, whose port takes the
place of 4000. Blocks that begin with `# tokens` are run in the same way in a directory of their own; before the first of
them that asks for something, a store is started whose auth_tokens_file is the `tokens` of that directory."""

import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from walkv import HTTPD, ROOT, WALKVCTL, WALKVD, SystemTest, main, run

README = ROOT / "README.md"


def examples(text, kind="api"):
    """Yields (line number, command, wanted output)."""
    block, command, wanted, began = False, None, [], 0
    lines = text.splitlines()
    number = 0
    while number < len(lines):
        line = lines[number]
        number += 1
        if not block:
            block = line.strip() == "```sh" and number < len(lines) and lines[number].strip() == f"# {kind}"
            continue
        ends = line.strip() == "```"
        if ends or line.startswith("$ "):
            if command is not None:
                yield began, command, "\n".join(wanted)
            command, wanted = None, []
        if ends:
            block = False
        elif line.startswith("$ "):
            began, command = number, line[2:]
            while command.endswith("\\") and number < len(lines):
                command = command[:-1] + lines[number].strip()
                number += 1
        elif command is not None:
            wanted.append(line)


def matches(wanted, found):
    """True when the text is as wanted, `...` standing for anything."""
    pattern = ".*".join(re.escape(part) for part in wanted.split("..."))
    return re.fullmatch(pattern, found, re.DOTALL) is not None


class Convention(unittest.TestCase):
    def test_examples_are_found(self):
        text = "```sh\nls\n```\n```sh\n# api\n$ curl a \\\n    b\none\ntwo\n$ curl c\n```\n"
        self.assertEqual(list(examples(text)), [(6, "curl a b", "one\ntwo"), (10, "curl c", "")])
        self.assertTrue(matches('{"a":...}', '{"a":1}'))
        self.assertFalse(matches('{"a":1}', '{"a":2}'))


@unittest.skipUnless(README.exists(), "there is no README.md")
class Readme(SystemTest):
    def run_examples(self, kind, directory, walkv):
        """Runs them in their order and returns how many there were."""
        count = 0
        environment = {**os.environ, "HOME": directory, "PATH": f"{WALKVCTL.parent}:{os.environ['PATH']}"}
        for count, (line, command, wanted) in enumerate(examples(README.read_text(encoding="utf-8"), kind), 1):
            if ":4000" in command and walkv.httpd is None:
                walkv.start()
            command, wanted = (t.replace(":4000", f":{walkv.port}") for t in (command, wanted))
            done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=directory, timeout=60,
                                  check=False, env=environment)
            with self.subTest(line=line, command=command):
                self.assertTrue(matches(wanted.strip(), done.stdout.strip()),
                                f"README.md:{line}\n$ {command}\nwanted: {wanted}\nfound:  {done.stdout}{done.stderr}")
        return count

    @unittest.skipUnless(shutil.which("curl"), "curl is missing")
    def test_the_examples_of_the_api(self):
        with tempfile.TemporaryDirectory() as directory:
            self.assertGreater(self.run_examples("api", directory, self.walkv), 10)

    @unittest.skipUnless(shutil.which("curl"), "curl is missing")
    def test_the_examples_of_access_tokens(self):
        with tempfile.TemporaryDirectory() as directory:
            flags = {"auth_tokens_file": directory + "/tokens"}
            walkv = self.instance(walkvd=flags, httpd=flags)
            self.assertGreater(self.run_examples("tokens", directory, walkv), 8)

    def test_every_path_of_the_api_is_in_an_example(self):
        commands = "\n".join(command for _, command, _ in examples(README.read_text(encoding="utf-8")))
        for part in ("/api/kv", "/enqueue", "/dequeue", "/peek", "/size", "/items", "/api/queue", "forget=true", "prefix=",
                     "limit=", "keys=only", "-X DELETE", "-X PUT", "-X PATCH", "If-Match", "/readyz", "/livez", "/api/status",
                     "/openapi.json", "/api/events"):
            self.assertIn(part, commands)

    def test_the_tables_of_settings_are_the_programs_own(self):
        text = README.read_text(encoding="utf-8")
        for program in (WALKVD, HTTPD):
            with self.subTest(program=program.name):
                done = run([program, "--print-config-markdown"])
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn(done.stdout.strip(), text, f"paste {program.name} --print-config-markdown into README.md")

    def test_what_it_names_is_there(self):
        text = README.read_text(encoding="utf-8")
        for path in sorted(set(re.findall(r"`((?:common|walkvd|walkv-httpd|tests|scripts|systemd)/[\w./-]*)`", text))):
            with self.subTest(path=path):
                self.assertTrue((ROOT / path).exists(), path)
        for target in re.findall(r"\]\(([^)#:]+)\)", text):
            with self.subTest(target=target):
                self.assertTrue((ROOT / target).exists(), target)
        self.assertIn("scripts/run", text)
        self.assertIn("scripts/test", text)
        commands = set(re.findall(r"\bwalkvctl ([a-z]+)\b", text))
        known = set(re.findall(r"(?m)^  ([a-z]+) ", run([WALKVCTL, "--help"]).stdout))
        self.assertLessEqual(commands & {"status", "checkpoint", "verify", "dump", "repair", "export", "import"}, known)


if __name__ == "__main__":
    main()
