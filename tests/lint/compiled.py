"""The sources that a build compiles, each with its compile command, whether it is compiled alone or merged with others.

A merged source (CMAKE_UNITY_BUILD) is only named by an #include of a generated file; that file's command is its own,
with the names exchanged.
"""
import json
import pathlib
import re
from typing import NamedTuple

_MERGED = re.compile(r"/Unity/unity_\d+_cxx\.cxx$")
_INCLUDE = re.compile(r'^#include "([^"\n]+)"', re.M)


class Unit(NamedTuple):
    source: pathlib.Path
    command: str
    directory: str


def units(build: pathlib.Path) -> list[Unit]:
    """One entry for each compilation of a source, in order."""
    found = []
    for entry in json.loads((build / "compile_commands.json").read_text()):
        file, command, directory = entry["file"], entry["command"], entry["directory"]
        sources = _INCLUDE.findall(pathlib.Path(file).read_text()) if _MERGED.search(file) else [file]
        for source in sources:
            path = (pathlib.Path(directory) / source).resolve()
            found.append(Unit(path, command.replace(file, str(path)), directory))
    return sorted(found)
