#!/usr/bin/env python3
"""check_sizes.py [--root DIR]: no source over 400 lines, no function over 60.

A C++ function is what clang-format makes look like one: from a line in the first column to the next lone "}" there.
Those inside classes are left to clang-tidy.
"""
import ast
import pathlib
from typing import Iterator

import house
from house import Problem

FILE_LIMIT = 400
FUNCTION_LIMIT = 60
SOURCES = {".cpp", ".hpp", ".py", ".sh", ".cmake"}


def cpp_functions(path: pathlib.Path) -> Iterator[tuple[int, int]]:
    """First and last line of every function that starts in the first column; its other lines are indented."""
    start = 0
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line == "}":
            yield start, number
        elif line and not line[0].isspace() and line[0] not in "#}":
            start = number


def python_functions(path: pathlib.Path) -> Iterator[tuple[int, int]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.lineno, node.end_lineno or node.lineno


def functions(path: pathlib.Path) -> Iterator[tuple[int, int]]:
    if path.suffix in house.CPP:
        yield from cpp_functions(path)
    elif path.suffix == ".py":
        yield from python_functions(path)


def problems(options) -> Iterator[Problem]:
    for path in house.files(options.root):
        if path.suffix not in SOURCES:
            continue
        count = len(path.read_text().splitlines())
        if count > FILE_LIMIT:
            yield Problem(path, count, f"file of {count} lines, at most {FILE_LIMIT}")
        for first, last in functions(path):
            if last - first + 1 > FUNCTION_LIMIT:
                yield Problem(path, first, f"function of {last - first + 1} lines, at most {FUNCTION_LIMIT}")


if __name__ == "__main__":
    house.main(problems, __doc__)
