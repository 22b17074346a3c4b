#!/usr/bin/env python3
"""man_test.py PROGRAM PAGE: the manual page names every option and verb that --help does, and no option besides.

PAGE is the mdoc source. Exit status 1 with a line for each difference.
"""
import pathlib
import re
import subprocess
import sys

OPTION = re.compile(r"^  (?:-\w,)?--([\w-]+)", re.M)
VERB = re.compile(r"^  (\w[\w-]*)  +\S", re.M)
MAN_OPTION = re.compile(r"\bFl -([\w-]+)")


def help_of(program: str, verbs: tuple[str, ...]) -> str:
    done = subprocess.run([program, *verbs, "--help"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=30, check=True)
    return done.stdout


def offered(program: str, verbs: tuple[str, ...] = ()) -> tuple[set[str], set[str]]:
    """Options of the program and its verbs, and the verbs; those of a verb follow it after a blank."""
    options_text, _, verbs_text = help_of(program, verbs).partition("\nSubcommands:\n")
    options = set(OPTION.findall(options_text))
    names = set()
    for verb in VERB.findall(verbs_text):
        below_options, below_names = offered(program, (*verbs, verb))
        options |= below_options
        names |= below_names or {" ".join((*verbs, verb))}
    return options, names


def main() -> int:
    program, page = sys.argv[1:]
    text = pathlib.Path(page).read_text()
    options, verbs = offered(program)
    described = set(MAN_OPTION.findall(text))
    problems = [f"--{name} is not described" for name in sorted(options - described)]
    problems += [f"--{name} is described and does not exist" for name in sorted(described - options)]
    # As ".It Cm list", ".It Cm pause , resume" or ".Cm observe | repair".
    heads = [line for line in text.splitlines() if "Cm " in line]
    problems += [f"the verb '{verb}' is not described" for verb in sorted(verbs)
                 if not any(re.search(rf"\b{verb}\b", line) for line in heads)]
    for problem in problems:
        print(f"{page}: {problem}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
