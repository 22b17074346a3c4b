#!/usr/bin/env python3
"""check_labels.py --build DIR [--root DIR]: every ctest test is in a tier of test.sh, so that none is never run."""
import json
import pathlib
import subprocess
from typing import Iterator

import house
from house import Problem


# In the place of the cases of a program that was not built: unit tests, where only `all` was. What belongs to `all` and
# cannot be built fails long before.
NOT_BUILT = "_NOT_BUILT"


def known_labels(root: pathlib.Path) -> set[str]:
    told = subprocess.run([str(root / "test.sh"), "--list"], capture_output=True, text=True, check=True)
    return {label for line in told.stdout.splitlines() for label in line.split()[2].split("|")}


def labels_of(test: dict) -> set[str]:
    return {label for entry in test.get("properties", []) if entry["name"] == "LABELS" for label in entry["value"]}


def problems(options) -> Iterator[Problem]:
    known = known_labels(options.root)
    told = subprocess.run(["ctest", "--test-dir", str(options.build), "--show-only=json-v1"], capture_output=True,
                          text=True, check=True)
    for test in json.loads(told.stdout)["tests"]:
        if not test["name"].endswith(NOT_BUILT) and not labels_of(test) & known:
            yield Problem(options.root / "test.sh", 1, f"test '{test['name']}' has no label that a tier here selects")


if __name__ == "__main__":
    house.main(problems, __doc__, lambda parser: parser.add_argument("--build", type=pathlib.Path, required=True))
