#!/usr/bin/env python3
"""program_test.py PROGRAM VERSION CASE: what every program of pmend does alike with its command line.

CASE is version, help or usage. Exit status 1 with one line on what was seen if the program does otherwise.
"""
import pathlib
import subprocess
import sys

EX_USAGE = 64
BAD_OPTION = "--no-such-option"


def run(program, option):
    done = subprocess.run([program, option], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
    return done.returncode, done.stdout, done.stderr


def is_right(case, program, version):
    name = pathlib.Path(program).name
    if case == "version":
        seen = run(program, "--version")
        return seen, seen == (0, f"{name} {version}\n", "")
    if case == "help":
        seen = run(program, "--help")
        return seen, seen[0] == 0 and f"Usage: {name} " in seen[1] and seen[2] == ""
    seen = run(program, BAD_OPTION)
    one_line = seen[2].count("\n") == 1 and seen[2].startswith(f"{name}: ") and BAD_OPTION in seen[2]
    return seen, seen[0] == EX_USAGE and seen[1] == "" and one_line


def main():
    program, version, case = sys.argv[1:]
    seen, right = is_right(case, program, version)
    if not right:
        print(f"{program}: {case}: exit status, stdout, stderr were {seen}")
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
