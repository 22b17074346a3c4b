#!/usr/bin/env python3
"""check_no_coroutines.py [--root DIR]: this project has no coroutines, because g++ 12 miscompiles co_await."""
import re
from typing import Iterator

import house
from house import Problem

FORBIDDEN = re.compile(
    r"\bco_(?:await|return|yield|spawn)\b|\buse_awaitable\b|\bstd::coroutine_"
    r"|#\s*include\s*<(?:coroutine|boost/asio/(?:awaitable|co_spawn|use_awaitable|coroutine|spawn)\.hpp)>")


def problems(options) -> Iterator[Problem]:
    for path in house.cpp_files(options.root):
        for number, line in enumerate(house.code_lines(path), 1):
            if match := FORBIDDEN.search(line):
                yield Problem(path, number, f"coroutine: {match[0]}")


if __name__ == "__main__":
    house.main(problems, __doc__)
