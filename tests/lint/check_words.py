#!/usr/bin/env python3
"""check_words.py [--root DIR]: what no file of the project may hold.

Places of one particular machine, hosts that software was fetched from, and notes to oneself. The patterns are written
so that they do not match themselves. Links may lead only to the hosts listed here.
"""
import re
from typing import Iterator

import house
from house import Problem

FORBIDDEN = [
    (re.compile(r"(?<![\w.}\]])/wor[k]/"), "path of one machine"),
    (re.compile(r"/tmp/h\d+\b"), "path of one machine"),
    (re.compile(r"\b(?:deb|apt|registry|pypi|proxy|mirrors?)\.[a-z0-9-]+\.(?:org|com|net|io)\b"), "package registry"),
    (re.compile(r"\b(?:TOD[O]|FIXM[E]|XX[X])\b"), "note to oneself: do it, or open an issue"),
    (re.compile(r"\b(?:CE[O]|[Cc]laud[e]|[Aa]nthropi[c])\b"), "word of the workplace"),
]
LINK = re.compile(r"https?://(?:www\.)?([a-z0-9.-]+\.[a-z]{2,})", re.I)
LINK_HOSTS = {
    "apache.org", "docs.kernel.org", "freedesktop.org", "git.kernel.org", "json-schema.org", "kernel.org",
    "lore.kernel.org", "man7.org", "github.com", "example.com", "example.org",
}


def rules_broken(line: str) -> Iterator[str]:
    for pattern, rule in FORBIDDEN:
        if match := pattern.search(line):
            yield f"'{match[0]}': {rule}"
    for match in LINK.finditer(line):
        if match[1].lower() not in LINK_HOSTS:
            yield f"'{match[0]}': a link to a host that tests/lint/check_words.py does not list"


def problems(options) -> Iterator[Problem]:
    for path in house.files(options.root):
        content = path.read_bytes()
        if b"\0" in content:
            continue
        for number, line in enumerate(content.decode(errors="replace").splitlines(), 1):
            for rule in rules_broken(line):
                yield Problem(path, number, rule)


if __name__ == "__main__":
    house.main(problems, __doc__)
