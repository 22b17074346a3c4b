#!/usr/bin/env python3
"""check_layers.py [--root DIR]: includes point downwards only, and the kernel is asked in one folder only.

A file includes headers of its own layer and of layers with a strictly lower rank; layers of the same rank do not see
each other. The programs in daemon/ share bus/, cli/, client/ and loop/ and nothing else. Third-party headers stay out of the headers
under lib/pmend, apart from two; what belongs to the programs alone stays out of lib/ altogether.
"""
import pathlib
import re
from typing import Iterator

import house
import includes
from house import Problem

RANK = {
    "base": 0,
    "kernel": 1, "model": 1,
    "block": 2, "nvdimm": 2, "rmap": 2, "repair": 2, "policy": 2, "ledger": 2,
    "engine": 3,
}
SHARED_BY_PROGRAMS = {"cli": 0, "loop": 0, "bus": 1, "client": 1}
PROGRAM = 2

# What a header under lib/pmend may include besides the project's own headers.
STANDARD = re.compile(r"[a-z_0-9]+$")  # <string>, <cstdint>
SYSTEM = re.compile(r"(?:(?:linux|sys|asm|asm-generic)/[\w./-]+"
                    r"|(?:dirent|endian|errno|fcntl|grp|limits|mntent|poll|pwd|sched|signal|spawn|time|unistd)\.h)$")
IN_LIB_HEADERS = re.compile(r"(?:nlohmann|tl)/")
NEVER_IN_LIB = re.compile(r"boost/asio|sdbus-c\+\+|CLI/|systemd/sd-bus")
FUSE = re.compile(r"fuse(?:3/|_|\.h)")
OTHER_SPELLINGS = {".c", ".cc", ".cxx", ".h", ".hh", ".hxx", ".inl", ".ipp"}
IOCTL = re.compile(r"\b(?:xfs|SYS_|__NR_)?ioctl\s*(?:\(|,)|\bxfsctl\s*\(")


def layer_of(path: pathlib.Path, root: pathlib.Path) -> tuple[str, str] | None:
    """("lib", "base"), ("daemon", "ctl") or ("tests", ""); None for what has no layer."""
    parts = path.relative_to(root).parts if path.is_relative_to(root) else ()
    if len(parts) > 3 and parts[:2] == ("lib", "pmend"):
        return "lib", parts[2]
    if len(parts) > 2 and parts[0] == "daemon":
        return "daemon", parts[1]
    return ("tests", "") if parts[:1] == ("tests",) else None


def direction(mine: tuple[str, str], other: tuple[str, str]) -> str | None:
    """What is wrong with an include from one layer into another, if anything."""
    if mine == other or mine[0] == "tests":
        return None
    if other[0] == "tests":
        return "only tests may include tests"
    if mine[0] == "lib":
        if other[0] == "daemon":
            return f"{mine[1]} may not include daemon/{other[1]}: lib/ knows no program"
        if RANK.get(other[1], 99) >= RANK[mine[1]]:
            how = "a sibling" if RANK.get(other[1]) == RANK[mine[1]] else "a higher layer"
            return f"{mine[1]} may not include {other[1]}: {how}"
    elif other[0] == "daemon" and (SHARED_BY_PROGRAMS.get(other[1], PROGRAM)
                                   >= SHARED_BY_PROGRAMS.get(mine[1], PROGRAM)):
        return f"daemon/{mine[1]} may not include daemon/{other[1]}"
    return None


def outside(path: pathlib.Path, mine: tuple[str, str], name: str) -> str | None:
    """What is wrong with the include of a header that is not the project's, if anything."""
    if FUSE.match(name) and mine[0] != "tests" and mine != ("daemon", "medium"):
        return f"<{name}>: libfuse belongs to daemon/medium"
    if mine[0] != "lib":
        return None
    if NEVER_IN_LIB.match(name):
        return f"<{name}> belongs to the programs, not to lib/"
    allowed = any(pattern.match(name) for pattern in (STANDARD, SYSTEM, IN_LIB_HEADERS))
    return None if path.suffix == ".cpp" or allowed else f"third-party header <{name}> in a header of lib/"


def include_problems(root: pathlib.Path, path: pathlib.Path, mine: tuple[str, str]) -> Iterator[Problem]:
    for include in includes.includes(path):
        found = includes.candidates(root, path, include)
        if len(found) > 1:
            yield Problem(path, include.line, f'"{include.name}" could be any of {len(found)} files')
        for other in found[:1]:
            if rule := direction(mine, layer_of(other, root) or mine):
                yield Problem(path, include.line, rule)
        if not found and include.quoted and mine[0] == "lib":
            yield Problem(path, include.line, f'"{include.name}" is not a file under lib/')
        if not found and not include.quoted and (rule := outside(path, mine, include.name)):
            yield Problem(path, include.line, rule)


def ioctl_problems(path: pathlib.Path, mine: tuple[str, str]) -> Iterator[Problem]:
    if mine[0] == "tests" or mine == ("lib", "kernel"):
        return
    for number, line in enumerate(house.code_lines(path), 1):
        if IOCTL.search(line):
            yield Problem(path, number, "ioctl() outside lib/pmend/kernel")


def problems(options) -> Iterator[Problem]:
    for path in house.files(options.root):
        mine = layer_of(path, options.root)
        if path.suffix in OTHER_SPELLINGS and mine and mine[0] != "tests":
            yield Problem(path, 1, "sources are called .cpp and .hpp: no lint reads other names")
        elif path.suffix not in house.CPP:
            continue
        elif mine is None:
            yield Problem(path, 1, "is in no layer: sources belong into lib/pmend/FOLDER, daemon/FOLDER or tests")
        elif mine[0] == "lib" and mine[1] not in RANK:
            yield Problem(path, 1, f"layer '{mine[1]}' has no rank")
        else:
            yield from include_problems(options.root, path, mine)
            yield from ioctl_problems(path, mine)


if __name__ == "__main__":
    house.main(problems, __doc__)
