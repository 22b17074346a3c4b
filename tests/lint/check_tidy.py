#!/usr/bin/env python3
"""check_tidy.py --build DIR [--root DIR]: clang-tidy 14 finds nothing in any source that the build compiles.

A source that passed gets a stamp in DIR/tidy, named for the digest of everything the verdict depends on: the source,
the project's headers that it includes, its compile command, .clang-tidy and the tool. Only sources without one are
checked again. Two run at a time.
"""
import concurrent.futures
import hashlib
import json
import pathlib
import re
import shutil
import subprocess
from typing import Iterator

import compiled
import house
import includes
from compiled import Unit
from house import Problem

TOOL = "clang-tidy-14"
JOBS = 2
FINDING = re.compile(r"^(?P<path>/[^\n:]+):(?P<line>\d+):\d+: (?:error|warning): (?P<what>.*)$", re.M)


def units(root: pathlib.Path, build: pathlib.Path) -> list[Unit]:
    """The project's own sources, without generated ones."""
    ours = {path for path in house.cpp_files(root) if path.suffix == ".cpp"}
    return [unit for unit in compiled.units(build) if unit.source in ours]


def stamp_of(unit: Unit, root: pathlib.Path, build: pathlib.Path, common: bytes) -> pathlib.Path:
    digest = hashlib.sha256(common + unit.command.encode())
    for path in sorted(includes.project_closure(root, unit.source)):
        digest.update(str(path).encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return build / "tidy" / digest.hexdigest()


def write_database(folder: pathlib.Path, waiting: list[Unit]) -> None:
    """The build's own knows no sources that are merged."""
    entries = [{"file": str(unit.source), "command": unit.command, "directory": unit.directory} for unit in waiting]
    (folder / "compile_commands.json").write_text(json.dumps(entries))


def check(unit: Unit, database: pathlib.Path) -> list[Problem]:
    # The build's compiler is g++, with its own warning options; clang's opinion of them is for the clang preset.
    foreign = ["--extra-arg=-Wno-unknown-warning-option", "--extra-arg=-Wno-error"]
    command = [TOOL, "--quiet", "-p", str(database), *foreign, str(unit.source)]
    told = subprocess.run(command, capture_output=True, text=True)
    found = {Problem(pathlib.Path(m["path"]), int(m["line"]), m["what"]) for m in FINDING.finditer(told.stdout)}
    if told.returncode != 0 and not found:
        found = {Problem(unit.source, 1, f"{TOOL} ended with status {told.returncode}: {told.stderr.strip()}")}
    return sorted(found)


def problems(options) -> Iterator[Problem]:
    if shutil.which(TOOL) is None:
        raise house.CannotRun(f"{TOOL} is not installed")
    (options.build / "tidy").mkdir(exist_ok=True)
    version = subprocess.run([TOOL, "--version"], capture_output=True).stdout
    common = version + (options.root / ".clang-tidy").read_bytes()
    stamps = {unit: stamp_of(unit, options.root, options.build, common) for unit in units(options.root, options.build)}
    waiting = [unit for unit, stamp in stamps.items() if not stamp.exists()]
    write_database(options.build / "tidy", waiting)
    found: set[Problem] = set()
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        for unit, result in zip(waiting, pool.map(lambda unit: check(unit, options.build / "tidy"), waiting)):
            found.update(result)
            if not result:
                stamps[unit].touch()
    print(f"{len(waiting)} of {len(stamps)} sources checked, the others are unchanged")
    yield from found


if __name__ == "__main__":
    house.main(problems, __doc__, lambda parser: parser.add_argument("--build", type=pathlib.Path, required=True))
