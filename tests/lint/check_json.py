#!/usr/bin/env python3
"""check_json.py [--root DIR]: nlohmann's throwing accessors stand only where JSON is read.

That is lib/pmend/model/json_*.cpp. Found by form: .get<T>(), .get_to(x), .get_ref<T>() and .value("key", x). at() and
[] look like those of the containers and are left to the reviewer.
"""
import re
from typing import Iterator

import house
from house import Problem

THROWING = re.compile(r'(?:\.|->)(?:template\s+)?(?:get<|get_ref<|get_to\(|value\(\s*")')
ALLOWED = re.compile(r"lib/pmend/model/json_\w+\.cpp$")
FOLDERS = ("lib", "daemon")


def problems(options) -> Iterator[Problem]:
    for path in house.cpp_files(options.root):
        name = path.relative_to(options.root)
        if name.parts[0] not in FOLDERS or ALLOWED.match(name.as_posix()):
            continue
        for number, line in enumerate(house.code_lines(path), 1):
            if match := THROWING.search(line):
                yield Problem(path, number, f"'{match[0]}' can throw: read JSON through lib/pmend/model/json_*")


if __name__ == "__main__":
    house.main(problems, __doc__)
