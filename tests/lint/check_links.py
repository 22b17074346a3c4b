#!/usr/bin/env python3
"""check_links.py --build DIR [--root DIR]: what a program is linked with, read from its link line in the ninja build.

pmend decides and must not be able to touch the media; the worker touches them and must not be able to decide. A link
line names static libraries of libraries too, so that nothing gets in by a detour.
"""
import pathlib
import re
import subprocess
from typing import Iterator

import house
from house import Problem

FORBIDDEN = {
    "bin/pmend": {"kernel", "rmap", "repair"},
    "bin/pmend-worker": {"policy", "ledger", "engine"},
}
# A static library of ours, or an object file compiled from one of its sources by way of another target.
LAYER = re.compile(r"(?:^|/)libpmend_(\w+)\.(?:a|so)$|(?:^|/)lib/pmend/(\w+)/")


def link_inputs(build: pathlib.Path, program: str) -> list[str] | None:
    """The files that a program is linked from; order-only inputs are not among them. None if it is not built here."""
    told = subprocess.run(["ninja", "-C", str(build), "-t", "query", program], capture_output=True, text=True)
    if told.returncode != 0:
        return None
    inputs = []
    for line in told.stdout.splitlines():
        if line.strip() == "outputs:":
            break
        entry = line.strip()
        if line.startswith("    ") and not entry.startswith("||"):
            inputs.append(entry.removeprefix("| "))
    return inputs


def problems(options) -> Iterator[Problem]:
    for program, forbidden in FORBIDDEN.items():
        place = options.build / program
        inputs = link_inputs(options.build, program)
        if inputs is None:
            yield Problem(place, 1, "has a link rule but is not in the build")
            continue
        linked = {match[1] or match[2] for name in inputs if (match := LAYER.search(name))}
        for layer in sorted(linked & forbidden):
            yield Problem(place, 1, f"may not be linked with pmend_{layer}")


if __name__ == "__main__":
    house.main(problems, __doc__, lambda parser: parser.add_argument("--build", type=pathlib.Path, required=True))
