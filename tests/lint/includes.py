"""Where an #include leads: shared by the lint of layers and by the stamps of clang-tidy."""
import pathlib
import re
from typing import Iterator, NamedTuple

from house import code_lines

# The directories that #include paths start from, in the order in which they are searched.
SEARCHED = ["lib", "daemon", "tests"]
_INCLUDE = re.compile(r'\s*#\s*include\s*(["<])([^">]+)[">]')


class Include(NamedTuple):
    line: int
    quoted: bool
    name: str


def includes(path: pathlib.Path) -> Iterator[Include]:
    for number, line in enumerate(code_lines(path), 1):
        if match := _INCLUDE.match(line):
            yield Include(number, match[1] == '"', match[2])


def candidates(root: pathlib.Path, path: pathlib.Path, include: Include) -> list[pathlib.Path]:
    """The project's files that the include could mean; the compiler takes the first."""
    folders = [path.parent] if include.quoted else []
    folders += [root / folder for folder in SEARCHED]
    found = [(folder / include.name).resolve() for folder in folders if (folder / include.name).is_file()]
    return list(dict.fromkeys(found))


def project_closure(root: pathlib.Path, path: pathlib.Path) -> set[pathlib.Path]:
    """The file and all of the project's files that it includes, directly or not."""
    seen: set[pathlib.Path] = set()
    waiting = [path]
    while waiting:
        current = waiting.pop()
        if current in seen:
            continue
        seen.add(current)
        for include in includes(current):
            waiting += candidates(root, current, include)
    return seen
