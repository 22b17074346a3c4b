"""What the lints share: the list of the project's files, C++ without comments, and the way problems are reported.

A lint is a function that yields Problem values; main() gives it the options that every lint has.
"""
import argparse
import pathlib
import re
import subprocess
import sys
from typing import Callable, Iterable, NamedTuple

CPP = {".cpp", ".hpp"}
# Not sources of ours where there is no git to ask.
SKIPPED_FOLDERS = {".git", "build", "__pycache__"}
# ctest's way to be told that a test could not run (SKIP_RETURN_CODE).
SKIP = 77


class Problem(NamedTuple):
    path: pathlib.Path
    line: int
    rule: str


class CannotRun(Exception):
    """A tool that the lint needs is not installed."""


def files(root: pathlib.Path) -> list[pathlib.Path]:
    """All files that are tracked or could be, in order; paths start with root."""
    ask = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    if (root / ".git").exists():
        told = subprocess.run(ask, capture_output=True)
        if told.returncode == 0:
            found = (root / name for name in told.stdout.decode(errors="surrogateescape").split("\0") if name)
            return sorted(path for path in set(found) if path.is_file())
    return sorted(p for p in root.rglob("*") if p.is_file() and not SKIPPED_FOLDERS & set(p.relative_to(root).parts))


def cpp_files(root: pathlib.Path) -> list[pathlib.Path]:
    return [path for path in files(root) if path.suffix in CPP]


_COMMENT = r"//[^\n]*|/\*.*?\*/"
_RAW_STRING = r'R"(?P<fence>[^(\s]*)\(.*?\)(?P=fence)"'
_STRING = r'"(?:\\.|[^"\\\n])*"' r"|(?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])+'"
_INCLUDE = r'^[ \t]*#[ \t]*include[ \t]*"[^"\n]*"'
_NOISE = re.compile(f"(?P<include>{_INCLUDE})|{_COMMENT}|{_RAW_STRING}|(?P<string>{_STRING})", re.S | re.M)


def _blank(match: re.Match) -> str:
    if match["include"]:
        return match[0]
    if match["string"]:
        return match[0][0] + " " * (len(match[0]) - 2) + match[0][-1]
    return re.sub(r"[^\n]", " ", match[0])


def code_lines(path: pathlib.Path) -> list[str]:
    """The lines of a C++ file; comments and what stands in literals are blanked, #include names are not."""
    return _NOISE.sub(_blank, path.read_text()).splitlines()


def main(lint: Callable[[argparse.Namespace], Iterable[Problem]], description: str | None,
         add_options: Callable[[argparse.ArgumentParser], object] = lambda parser: None) -> None:
    """Runs a lint as a program: prints file:line: rule for every problem. Exit status 0, 1 or 77 (could not run)."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parents[2])
    add_options(parser)
    options = parser.parse_args()
    options.root = options.root.resolve()
    try:
        problems = sorted(lint(options))
    except CannotRun as reason:
        print(f"SKIPPED: {reason}")
        sys.exit(SKIP)
    for path, line, rule in problems:
        shown = path.relative_to(options.root) if path.is_relative_to(options.root) else path
        print(f"{shown}:{line}: {rule}")
    sys.exit(1 if problems else 0)
