# SPDX-License-Identifier: MIT
"""The manual and the completion say what the programs do: their commands, options, settings and exit statuses, and the
completion offers them. What the pages have by hand is held to --help, to the README and to the sources."""

import os
import pty
import re
import select
import shutil
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from walkv import BUILD, HTTPD, PATIENCE_S, ROOT, WALKVCTL, WALKVD, main, run

COMPLETION = ROOT / "completions" / "walkvctl"
PAGES = {p.name: p for p in [*(ROOT / "man").glob("*.[1-8]"), BUILD / "man" / "walkv.conf.5"]}
DAEMONS = {"walkvd.8": WALKVD, "walkv-httpd.8": HTTPD}
SYSEXITS = {"USAGE": 64, "DATAERR": 65, "NOINPUT": 66, "UNAVAILABLE": 69, "OSERR": 71, "CANTCREAT": 73, "IOERR": 74,
            "TEMPFAIL": 75, "PROTOCOL": 76, "NOPERM": 77, "CONFIG": 78}


def said(program, *flags):
    done = run([program, *flags])
    assert done.returncode == 0, done.stderr
    return done.stdout


def page(name):
    return PAGES[name].read_text(encoding="utf-8")


def items(text, macro):
    """The words behind `.It MACRO`, one set for a page."""
    return set(re.findall(rf"(?m)^\.It {macro} ?([\w-]+)", text))


def section(text, title):
    return re.search(rf"(?ms)^\.Sh {title}\n(.*?)(?=^\.Sh |\Z)", text).group(1)


def statuses_of_sources(*paths):
    names = re.findall(r"\bEX_([A-Z]+)\b", "\n".join(p.read_text(encoding="utf-8") for p in paths))
    return {0, *(SYSEXITS[name] for name in names)}


def plain(text):
    """What roff makes of one line, without its requests."""
    return text.replace("\\-", "-").replace("\\&", "").replace("\\(aq", "'").replace("\\(rs", "\\")


class Pages(unittest.TestCase):
    def test_which_there_are(self):
        self.assertEqual(set(PAGES), {"walkv.7", "walkv.conf.5", "walkvctl.1", *DAEMONS})

    @unittest.skipUnless(shutil.which("mandoc"), "mandoc is missing")
    def test_mandoc_finds_nothing(self):
        for name, path in PAGES.items():
            with self.subTest(page=name):
                done = subprocess.run(["mandoc", "-T", "lint", path], capture_output=True, text=True, check=False)
                # Which other pages this host has is no matter here; those of walkv are looked at below.
                found = [line for line in done.stdout.splitlines() if "referenced manual not found" not in line]
                self.assertEqual(found, [])

    @unittest.skipUnless(shutil.which("man") and shutil.which("groff"), "man or groff is missing")
    def test_groff_finds_nothing(self):
        for name, path in PAGES.items():
            with self.subTest(page=name):
                done = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", path], capture_output=True,
                                      text=True, env={**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "80"}, check=False)
                self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_they_name_each_other_rightly(self):
        for name in PAGES:
            others = set(re.findall(r"(?m)^\.(?:It )?Xr (walkv\S*) (\d)", page(name)))
            self.assertLessEqual({f"{title}.{number}" for title, number in others}, set(PAGES), name)
            title, _, number = name.rpartition(".")
            self.assertIn(f"\n.Dt {title.upper()} {number}\n", page(name))
            self.assertRegex(page(name), rf"\n\.Nm {re.escape(title)}\n\.Nd \w")

    def test_what_can_be_copied_has_hyphens_that_are_none_of_typography(self):
        for name in PAGES:
            in_display = False
            for number, line in enumerate(page(name).splitlines(), 1):
                in_display = (in_display or line.startswith(".Bd -literal")) and not line.startswith(".Ed")
                if line.startswith((".Ql ", ".Ic ", ".Pa ")) or (in_display and not line.startswith(".")):
                    self.assertNotRegex(line, r"(?<!\\)-", f"{name}:{number}")

    def test_variables_are_settings(self):
        printed = "".join(said(program, "--config", "/dev/null", "--print-config") for program in DAEMONS.values())
        known = {"WatchdogSec", *re.findall(r"(?m)^(?:# )?([a-z_]+) = ", printed)}
        for name in PAGES:
            self.assertLessEqual(set(re.findall(r"(?m)^\.(?:It )?Va (\w+)", page(name))), known, name)


class Settings(unittest.TestCase):
    def test_each_is_in_walkv_conf_with_its_default(self):
        text = page("walkv.conf.5")
        for title, program in (("SETTINGS OF WALKVD", WALKVD), ("SETTINGS OF WALKV\\\\-HTTPD", HTTPD)):
            part = section(text, title)
            pages_own = {name: plain(body).split() for name, body in
                         re.findall(r"(?ms)^\.It Va (\w+)\n(.*?)(?=^\.It|^\.El)", part)}
            wanted, flags_only = {}, set()
            for comment, flag_only, name in re.findall(r"\n\n((?:# .*\n)+?)(# )?([a-z_]+) = ",
                                                       said(program, "--config", "/dev/null", "--print-config")):
                if flag_only:
                    flags_only.add(name)
                else:
                    wanted[name] = re.sub(r"(?m)^# (Default )", r".Pp \1", comment).replace("# ", "").split()
            self.assertGreater(len(wanted), 10)
            self.assertEqual(pages_own, wanted)
            self.assertTrue(flags_only.isdisjoint(pages_own))
            self.assertEqual(part.count(".Ss "), said(program, "--help").split("\nCommands:")[0].count(":\n  --"))

    def test_what_is_a_flag_only_is_in_the_page_of_the_program(self):
        for name, program in DAEMONS.items():
            options = items(page(name), "Fl -")
            flags_only = set(re.findall(r"\| `--([a-z-]+)` \|", said(program, "--print-config-markdown")))
            commands = set(re.findall(r"(?m)^  --([a-z-]+)", said(program, "--help").split("\nCommands:")[1]))
            self.assertEqual(options, flags_only | commands, name)

    def test_the_page_is_the_template_and_nothing_is_lost(self):
        before, after = re.split(r"@WALKVD_SETTINGS@(?s:.*)@HTTPD_SETTINGS@",
                                 (ROOT / "man" / "walkv.conf.5.in").read_text(encoding="utf-8"))
        self.assertTrue(page("walkv.conf.5").startswith(before))
        self.assertTrue(page("walkv.conf.5").endswith(after))
        for program in DAEMONS.values():
            self.assertIn(said(program, "--print-config-man"), page("walkv.conf.5"))


class Walkvctl(unittest.TestCase):
    def setUp(self):
        self.help = said(WALKVCTL, "--help")
        self.commands = re.findall(r"(?m)^  ([a-z]+) ", self.help.split("\nOptions:")[0])
        self.options = re.findall(r"(--[a-z]+)\b", self.help.split("\nOptions:")[1].split("\nShapes")[0])
        self.options = [o for i, o in enumerate(self.options) if o not in self.options[:i]]

    def test_commands_and_options_are_in_the_page(self):
        self.assertGreater(len(self.commands), 6)
        self.assertEqual(items(page("walkvctl.1"), "Cm"), set(self.commands))
        self.assertEqual({f"--{name}" for name in items(page("walkvctl.1"), "Fl -")}, set(self.options))

    def test_the_synopsis_has_them_too(self):
        synopsis = section(page("walkvctl.1"), "SYNOPSIS")
        for command in self.commands:
            self.assertRegex(synopsis, rf"(?m)^\.Cm (.*\| )?{command}\b")
        for option in set(self.options) - {"--help", "--version"}:
            self.assertIn(f"Fl -{option[2:]} ", synopsis.replace("\n", " \n"))


class ExitStatuses(unittest.TestCase):
    def listed(self, name):
        return {int(s) for s in re.findall(r"(?m)^\.It (\d+)$", section(page(name), "EXIT STATUS"))}

    def test_those_of_the_sources_are_in_the_pages_and_no_others(self):
        common = sorted((ROOT / "common").glob("*.c"))
        walkvd = [p for p in (ROOT / "walkvd").glob("*.c") if not p.name.startswith(("ctl_", "snapshot_main"))]
        walkvctl = [*(ROOT / "walkvd").glob("ctl_*.c"), ROOT / "walkvd" / "disk.c"]
        self.assertEqual(self.listed("walkvd.8"), statuses_of_sources(*common, *walkvd))
        self.assertEqual(self.listed("walkv-httpd.8"), statuses_of_sources(*common, *(ROOT / "walkv-httpd").glob("*.c")))
        self.assertEqual(self.listed("walkvctl.1"), statuses_of_sources(*walkvctl))

    def test_those_of_the_readme_and_of_help_are_in_the_pages(self):
        table = (ROOT / "README.md").read_text(encoding="utf-8").split("\n## Exit statuses\n")[1].split("\n## ")[0]
        rows = re.findall(r"(?m)^\| (\d+) \| (.*?) \|", table)
        self.assertGreater(len(rows), 6)
        self.assertLessEqual({int(s) for s, _ in rows}, self.listed("walkvctl.1"))
        self.assertLessEqual({int(s) for s, what in rows if not what.startswith("`walkvctl")}, self.listed("walkvd.8"))
        in_help = said(WALKVD, "--help").split("\nExit statuses:")[1]
        self.assertLessEqual({int(s) for s in re.findall(r"(?m)^  (\d+)  ", in_help)}, self.listed("walkvd.8"))
        in_help = said(WALKVCTL, "--help").split("\nExit status:")[1]
        self.assertEqual({int(s) for s in re.findall(r"\b\d+\b", in_help)}, self.listed("walkvctl.1"))


class Completion(unittest.TestCase):
    def complete(self, *words):
        """What bash is offered for the last word; `-o OPTION` for what it is told to do by itself. The words are as bash
        parts them, with = as a word of its own."""
        script = (f'set -u; source "{COMPLETION}"; compopt() {{ asked+=("$*"); }}; asked=(); COMP_WORDS=("$@")\n'
                  'COMP_CWORD=$(($# - 1)); read -r _ _ function _ <<<"$(complete -p "${1##*/}")"\n'
                  '"$function" "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}" || exit\n'
                  'for word in ${COMPREPLY[@]+"${COMPREPLY[@]}"} ${asked[@]+"${asked[@]}"}; do echo "$word"; done')
        done = run(["bash", "--norc", "--noprofile", "-c", script, "bash", *map(str, words)])
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout.splitlines()

    def test_commands(self):
        commands = re.findall(r"(?m)^  ([a-z]+) ", said(WALKVCTL, "--help").split("\nOptions:")[0])
        self.assertEqual(self.complete(WALKVCTL, ""), commands)
        self.assertEqual(self.complete(WALKVCTL, "ex"), ["export"])
        self.assertEqual(self.complete(WALKVCTL, "--json", "--socket", "/s", "ch"), ["checkpoint"])
        self.assertEqual(self.complete(WALKVCTL, "--socket", "=", "/s", "ch"), ["checkpoint"])
        self.assertEqual(self.complete(WALKVCTL, "nothing"), [])
        self.assertEqual(self.complete(WALKVCTL, "status", ""), [])

    def test_options_of_walkvctl(self):
        options = re.findall(r"(?m)(?:^  |, )(--[a-z]+)", said(WALKVCTL, "--help").split("\nShapes")[0])
        self.assertGreater(len(options), 10)
        self.assertEqual(self.complete(WALKVCTL, "-"), options)
        self.assertEqual(self.complete(WALKVCTL, "--li"), ["--lines"])
        of_export = self.complete(WALKVCTL, "export", "--")
        self.assertIn("--lines", of_export)
        self.assertIn("--socket", of_export)
        self.assertNotIn("--scope", of_export)
        self.assertIn("--scope", self.complete(WALKVCTL, "token", "new", "x", "--"))

    def test_operands(self):
        self.assertEqual(self.complete(WALKVCTL, "verify", ""), ["-o dirnames"])
        self.assertEqual(self.complete(WALKVCTL, "dump", "--from", "7", "/va"), ["-o dirnames"])
        self.assertEqual(self.complete(WALKVCTL, "verify", "/a", ""), [])
        self.assertEqual(self.complete(WALKVCTL, "import", ""), ["-o default"])
        self.assertEqual(self.complete(WALKVCTL, "token", ""), ["new", "check"])
        self.assertEqual(self.complete(WALKVCTL, "token", "check", ""), ["-o default"])
        self.assertEqual(self.complete(WALKVCTL, "token", "new", ""), [])

    def test_values_of_walkvctl(self):
        self.assertEqual(self.complete(WALKVCTL, "--socket", "/r"), ["-o default"])
        self.assertEqual(self.complete(WALKVCTL, "repair", "--into", "=", ""), ["-o default"])
        self.assertEqual(self.complete(WALKVCTL, "--from", ""), [])
        scopes = self.complete(WALKVCTL, "--scope", "")
        self.assertEqual(self.complete(WALKVCTL, "--scope", "=", "w"), ["write"])
        readme = (ROOT / "README.md").read_text(encoding="utf-8").split("| scope | may |")[1].split("\n\n")[0]
        self.assertEqual(scopes, re.findall(r"(?m)^\| `(\w+)` \|", readme))

    def test_settings(self):
        for program in DAEMONS.values():
            printed = said(program, "--help")
            wanted = [(f"--{name}=" if value else f"--{name}")
                      for no, name, value in re.findall(r"(?m)^  --(\[no-\])?([a-z-]+)(=?)", printed)]
            offered = self.complete(program, "")
            self.assertEqual([o for o in offered if not o.startswith("--no-")], wanted)
            self.assertEqual(self.complete(program, "--v"), [o for o in wanted if o.startswith("--v")])
        self.assertEqual(self.complete(WALKVD, "--no-"), ["--no-cold-start"])
        self.assertEqual(self.complete(HTTPD, "--liste"), ["--listen=", "--listen-mode="])
        self.assertEqual(self.complete(HTTPD, "--listen-"), ["--listen-mode=", "-o nospace"])
        self.assertEqual(self.complete(HTTPD, "--he"), ["--header-timeout=", "--help"])

    def test_values_of_settings(self):
        for words in (["--wal-sync="], ["--wal-sync", "="], ["--wal-sync", ""], ["--wal-sync", "=", ""]):
            prefix = words[0] if words == ["--wal-sync="] else ""
            self.assertEqual(self.complete(WALKVD, *words), [prefix + "sync", prefix + "async"], words)
        self.assertEqual(self.complete(WALKVD, "--wal-sync", "=", "a"), ["async"])
        self.assertEqual(self.complete(WALKVD, "--wal-sync=a"), ["--wal-sync=async"])
        self.assertEqual(self.complete(WALKVD, "--data-dir", "=", "/va"), ["-o default"])
        self.assertEqual(self.complete(WALKVD, "--config", ""), ["-o default"])
        self.assertEqual(self.complete(HTTPD, "--compression", "=", ""), ["off", "on"])
        self.assertEqual(self.complete(HTTPD, "--listen", "=", ""), [])

    def test_a_program_that_is_not_there_is_no_error(self):
        for name in ("walkvctl", "walkvd", "walkv-httpd"):
            self.assertEqual(self.complete(f"/nowhere/{name}", ""), [])

    def test_in_a_shell(self):
        """The Tab key in an interactive bash without bash-completion. The line that comes out is shown with echo."""
        with tempfile.TemporaryDirectory() as directory:
            Path(directory, "a data directory").mkdir()
            Path(directory, "a file").touch()
            environment = {**os.environ, "PATH": f"{WALKVCTL.parent}:{os.environ['PATH']}", "PS1": "", "TERM": "dumb"}
            pid, terminal = pty.fork()
            if pid == 0:
                os.chdir(directory)
                os.execvpe("bash", ["bash", "--norc", "--noprofile", "-i"], environment)
            try:
                lines = (f"source {COMPLETION}; bind 'set bell-style none'; bind 'set enable-bracketed-paste off'\n",
                         *(f"{line}\x01echo line: \n" for line in ("walkvctl ver\ta\t", "walkvctl import a\\ f\t",
                                                                   "walkvd --wal-sync=a\t--data\t./a\\ d\t")), "exit 0\n")
                os.write(terminal, "".join(lines).encode())
                shown, deadline = b"", time.monotonic() + PATIENCE_S
                while time.monotonic() < deadline:
                    if not select.select([terminal], [], [], 1)[0]:
                        continue
                    try:
                        shown += os.read(terminal, 4096)
                    except OSError:  # the shell has ended
                        break
            finally:
                os.close(terminal)
                os.waitpid(pid, 0)
        found = re.findall(r"(?m)^line: (.*?) ?\r?$", shown.decode("utf-8", "replace"))
        self.assertEqual(found, ["walkvctl verify a data directory/", "walkvctl import a file",
                                 "walkvd --wal-sync=async --data-dir=./a data directory/"], shown)


if __name__ == "__main__":
    main()
