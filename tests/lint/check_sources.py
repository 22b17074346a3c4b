#!/usr/bin/env python3
"""check_sources.py --build DIR [--root DIR]: every .cpp under lib/, daemon/ and tests/ is compiled in this build.

A test that nobody compiles passes for ever; so does a source that was left out of its CMakeLists.txt.
"""
import pathlib
from typing import Iterator

import compiled
import house
from house import Problem

FOLDERS = ["lib", "daemon", "tests"]


def problems(options) -> Iterator[Problem]:
    named = {unit.source for unit in compiled.units(options.build)}
    for path in house.cpp_files(options.root):
        if path.suffix == ".cpp" and path.relative_to(options.root).parts[0] in FOLDERS and path not in named:
            yield Problem(path, 1, "is not compiled in this build: name it in its CMakeLists.txt")


if __name__ == "__main__":
    house.main(problems, __doc__, lambda parser: parser.add_argument("--build", type=pathlib.Path, required=True))
