#!/usr/bin/env python3
"""check_docs.py [--root DIR]: what README.md and docs/ point at is there.

Links of Markdown lead to files of the tree; commands of indented blocks that lie in the tree or its build exist;
pmendctl is shown with verbs that it has; manual pages refer to pages, and documents to Python tests, that exist.
"""
import pathlib
import re
from typing import Iterator

import house
from house import Problem

LINK = re.compile(r"\]\((?!https?://|#)([^)#\s]+)")
COMMAND = re.compile(r"^    (?:sudo )?(\./[\w.-]+|build/\w+/bin/[\w-]+)")
VERB = re.compile(r"^    (?:sudo )?pmendctl ([a-z]+(?:-[a-z]+)*)|`pmendctl ([a-z]+(?:-[a-z]+)*)")
TEST = re.compile(r"`(test_\w+)`")
MANUAL = re.compile(r"^\.Xr (pmend\S*) (\d)")
VERBS_FILE = "daemon/ctl/options.cpp"


def programs(root: pathlib.Path) -> set[str]:
    text = "\n".join(path.read_text() for path in root.glob("daemon/*/CMakeLists.txt"))
    return set(re.findall(r"pmend_program\(([\w-]+)", text))


def verbs(root: pathlib.Path) -> set[str]:
    path = root / VERBS_FILE
    rows = re.findall(r'VerbRow\{Verb::k\w+, "([\w-]+)"', path.read_text()) if path.exists() else []
    return {*rows, "policy"}


def tests(root: pathlib.Path) -> set[str]:
    text = "\n".join(path.read_text() for path in root.glob("tests/**/*.py"))
    return set(re.findall(r"def (test_\w+)\(", text))


def dangling(root: pathlib.Path, path: pathlib.Path, line: str) -> Iterator[str]:
    for match in LINK.finditer(line):
        if not (path.parent / match[1]).exists():
            yield f"the link to {match[1]} leads nowhere"
    if match := COMMAND.match(line):
        name = pathlib.Path(match[1])
        if name.name not in programs(root) if match[1].startswith("build") else not (root / name).exists():
            yield f"there is no {match[1]}"
    for match in VERB.finditer(line):
        if (verb := match[1] or match[2]) not in verbs(root):
            yield f"pmendctl has no verb {verb}"
    if unknown := set(TEST.findall(line)) - (tests(root) if "`test_" in line else set()):
        yield f"there is no test {', '.join(sorted(unknown))}"
    if (match := MANUAL.match(line)) and not (root / "docs" / "man" / f"{match[1]}.{match[2]}").exists():
        yield f"there is no manual page {match[1]}({match[2]})"


def problems(options) -> Iterator[Problem]:
    folder = options.root / "docs"
    for path in [options.root / "README.md", *sorted(folder.glob("*.md")), *sorted(folder.glob("man/*.[1-9]"))]:
        for number, line in enumerate(path.read_text().splitlines() if path.exists() else [], 1):
            for rule in dangling(options.root, path, line):
                yield Problem(path, number, rule)


if __name__ == "__main__":
    house.main(problems, __doc__)
