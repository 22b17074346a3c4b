#!/usr/bin/env python3
"""check_sources.py --build DIR [--root DIR]: every .cpp under lib/, daemon/ and tests/ is compiled in this build.

A test that nobody compiles passes for ever; so does a source that was left out of its CMakeLists.txt.
"""
import json
import pathlib
from typing import Iterator

import house
from house import Problem

FOLDERS = ["lib", "daemon", "tests"]


def problems(options) -> Iterator[Problem]:
    commands = json.loads((options.build / "compile_commands.json").read_text())
    compiled = {(pathlib.Path(entry["directory"]) / entry["file"]).resolve() for entry in commands}
    for path in house.cpp_files(options.root):
        if path.suffix == ".cpp" and path.relative_to(options.root).parts[0] in FOLDERS and path not in compiled:
            yield Problem(path, 1, "is not compiled in this build: name it in its CMakeLists.txt")


if __name__ == "__main__":
    house.main(problems, __doc__, lambda parser: parser.add_argument("--build", type=pathlib.Path, required=True))
