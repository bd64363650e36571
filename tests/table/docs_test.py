#!/usr/bin/python3
"""The documents tell no lies that a machine can find: each relative link leads somewhere, each command
exists with the options it is given, each configuration key and environment variable exists, and each
program, test and path that is named is there.

    docs_test.py REPOSITORY BIN
"""
import pathlib
import re
import shlex
import subprocess
import sys
import unittest

ROOT = pathlib.Path(sys.argv[1])
BIN = pathlib.Path(sys.argv[2])
PAGES = sorted(path for path in ROOT.rglob("*.md")
               if not {"build", "node_modules", ".git", ".demo"} & set(path.relative_to(ROOT).parts))
SECTIONS = ("keys", "store", "router", "runner", "notifier", "web", "log", "channels")
FILES = (".c", ".h", ".py", ".md", ".json", ".sql", ".yaml", ".txt", ".key", ".pub")


def text_of(page):
    return page.read_text(encoding="utf-8")


def blocks(page):
    """Indented and fenced blocks, lines that end with a backslash joined."""
    lines, fenced, found = text_of(page).splitlines(), False, []
    for line in lines:
        if line.startswith("```"):
            fenced = not fenced
        elif fenced or line.startswith("    "):
            found.append(line)
    return re.sub(r"\\\n\s*", "", "\n".join(found)).splitlines()


def commands(page):
    """What a reader would type: tocsin … of blocks, and of inline code."""
    for line in blocks(page):
        match = re.match(r"\s*(?:\$ )?(tocsin [a-z-].*)$", line)
        if match and not re.match(r"tocsin (is|asks|or) ", match[1]):
            yield re.sub(r"\s+#\s.*| &$", "", match[1])
    for code in re.findall(r"`(tocsin [a-z-][^`]*)`", text_of(page)):
        yield code


def help_of(words):
    done = subprocess.run([BIN / "tocsin", *words, "--help"], capture_output=True, text=True, timeout=30, check=False)
    return done.returncode, done.stdout


class Documents(unittest.TestCase):
    def test_links_lead_somewhere(self):
        count = 0
        for page in PAGES:
            for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text_of(page)):
                if not re.match(r"[a-z]+:", target):
                    count += 1
                    self.assertTrue((page.parent / target).exists(), f"{page.relative_to(ROOT)}: {target}")
        self.assertGreater(count, 20)

    def test_anchors_exist(self):
        for page in PAGES:
            for path, anchor in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", text_of(page)):
                target = page if path == "" else page.parent / path
                titles = re.findall(r"^#+ (.*)$", text_of(target), re.M)
                names = [re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles]
                self.assertIn(anchor, names, str(page.relative_to(ROOT)))

    def test_commands_exist(self):
        known = {}
        count = 0
        for page in PAGES:
            for command in commands(page):
                with self.subTest(page=str(page.relative_to(ROOT)), command=command):
                    words = shlex.split(command)[1:]
                    verbs = list(self.verbs(words))
                    if not verbs or re.search(r"[\[…|]", " ".join(verbs)):
                        continue
                    key = tuple(verbs[:2])
                    if key not in known:
                        status, text = help_of(verbs[:2])
                        known[key] = text if status == 0 else None
                    self.assertIsNotNone(known[key], "there is no such command")
                    for option in re.findall(r"(?<=\s)--[a-z-]+", " " + re.sub(r"'[^']*'|\"[^\"]*\"", "", command)):
                        self.assertIn(option, known[key])
                    count += 1
        self.assertGreater(count, 20)

    @staticmethod
    def verbs(words):
        """The words of a command before its first option or operand; general options are skipped."""
        words = list(words)
        while words and words[0].startswith("--"):
            words = words[2:]
        for word in words:
            if not re.fullmatch(r"[a-z]+", word):
                return
            yield word

    def test_configuration_keys_exist(self):
        page = text_of(ROOT / "docs/manual/configuration.md")
        known = set(re.findall(r"^\| `([\w.]+)`", page, re.M))
        pattern = r"`((?:" + "|".join(SECTIONS) + r")\.[a-z_]+(?:\.[a-z_]+)*)(?:: [^`]*)?`"
        count = 0
        for document in PAGES:
            for key in re.findall(pattern, text_of(document)):
                if key.endswith(FILES) or key.startswith("channels."):
                    continue
                count += 1
                self.assertIn(key, known, str(document.relative_to(ROOT)))
        self.assertGreater(count, 20)

    def test_environment_variables_exist(self):
        page = text_of(ROOT / "docs/manual/configuration.md")
        known = {"TOCSIN_" + key.upper().replace(".", "_") for key in re.findall(r"^\| `([\w.]+)`", page, re.M)}
        known |= {"TOCSIN_CONFIG", "TOCSIN_URL", "TOCSIN_TOKEN_FILE", "TOCSIN_CLOCK_RATE"}
        for document in PAGES:
            for name in re.findall(r"\bTOCSIN_[A-Z]\w+", text_of(document)):
                self.assertIn(name, known, str(document.relative_to(ROOT)))

    def test_paths_exist(self):
        """Inline code that looks like a path of the repository."""
        top = [path.name for path in ROOT.iterdir() if path.is_dir() and path.name not in ("build", ".git")]
        pattern = r"`((?:" + "|".join(map(re.escape, top)) + r")/[\w./-]+)`"
        for page in PAGES:
            for path in re.findall(pattern, text_of(page)):
                if not re.search(r"[A-Z]{4,}(?!\.md)", path.replace("PROTOCOL", "")):
                    exists = (ROOT / path).exists() or list(ROOT.glob(path + "*")) or list(page.parent.glob(path))
                    self.assertTrue(exists, f"{page.relative_to(ROOT)}: {path}")

    def test_tests_that_prove_promises_exist(self):
        page = text_of(ROOT / "docs/guarantees.md")
        names = re.findall(r"`((?:unit|table|conform|fault)/[\w/]+)`", page)
        self.assertGreater(len(names), 10)
        for name in names:
            self.assertTrue(list(ROOT.glob(f"tests/{name}_test.*")) or (ROOT / "tests" / name).is_dir(), name)
        sources = "".join(text_of(path) for path in (ROOT / "tests").rglob("*_test.*"))
        for name in re.findall(r"[(,] ?`([a-z0-9_]{12,})`", page):
            self.assertIn(name, sources)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
