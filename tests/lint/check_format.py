#!/usr/bin/env python3
"""check_format.py [--root DIR]: every C++ file is as clang-format (version 14) would leave it."""
import re
import shutil
import subprocess
from typing import Iterator

import house
from house import Problem

TOOL = "clang-format-14"
WARNING = re.compile(r"(?P<path>[^\n]+?):(?P<line>\d+):\d+: error: ")


def problems(options) -> Iterator[Problem]:
    if shutil.which(TOOL) is None:
        raise house.CannotRun(f"{TOOL} is not installed")
    paths = house.cpp_files(options.root)
    if not paths:
        return
    told = subprocess.run([TOOL, "--dry-run", "-Werror", *map(str, paths)], capture_output=True, text=True)
    found = {(match["path"], int(match["line"])) for match in WARNING.finditer(told.stderr)}
    by_name = {str(path): path for path in paths}
    for name, line in sorted(found):
        yield Problem(by_name[name], line, f"run {TOOL} -i on it")
    if told.returncode != 0 and not found:
        yield Problem(options.root / ".clang-format", 1, told.stderr.strip())


if __name__ == "__main__":
    house.main(problems, __doc__)
