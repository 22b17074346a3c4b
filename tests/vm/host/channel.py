"""What the payload asks the host for, over a serial port: one line each, answered with one or more lines.

  exit N            how the payload ended; nothing comes after it
  allow PATTERN     lines of the kernel that match are provoked on purpose
  snapshot NAME     keeps a copy of all persistent memory as it is now
  compare NAME      says what has changed since: "FILE OFFSET LENGTH" for each range, in bytes of the file
  errors            says what the firmware has listed: "ADDRESS LENGTH" each
  inject ADDRESS LENGTH STEP COUNT    gives the firmware that many errors, STEP bytes apart; nobody is told
  refuse 0|1        whether the firmware refuses to clear from now on
  machine_check STATUS ADDRESS MISC   raises one at a physical address, in the registers of bank 9
An answer ends with a line "." alone; one that begins with "!" is why it could not be done.
"""
import pathlib
import re
import socket
import subprocess
import threading

from firmware import Errors
from machines import Machine
from monitor import Monitor

_PIECE = 1 << 20
_UNIT = 512


class Channel(threading.Thread):
    """Serves until the other side closes the connection."""

    def __init__(self, connection: socket.socket, monitor: Monitor, machine: Machine,
                 folder: pathlib.Path):
        super().__init__(daemon=True)
        self.status: int | None = None
        self.allowed: list[str] = []
        self.ended = threading.Event()
        self._connection = connection
        self._monitor = monitor
        self._machine = machine
        self._folder = folder

    def run(self) -> None:
        with self._connection.makefile("r", errors="replace", newline="\n") as lines:
            for line in lines:
                try:
                    answer = self._answer(*line.strip().split(" ", 1))
                except Exception as error:  # whatever is wrong with one request, the payload shall hear of it
                    answer = [f"!{error}"]
                self._connection.sendall("".join(f"{text}\n" for text in [*answer, "."]).encode())
        self.ended.set()

    def _answer(self, verb: str, argument: str = "") -> list[str]:
        match verb:
            case "exit":
                self.status = int(argument)
                self.ended.set()
            case "allow":
                self.allowed.append(re.compile(argument).pattern)
            case "snapshot":
                self._snapshot(argument)
            case "compare":
                return self._compare(argument)
            case "errors":
                return [f"{address} {length}" for address, length in self._errors().ranges()]
            case "inject":
                self._errors().add(*(int(number, 0) for number in argument.split()))
            case "refuse":
                self._errors().refuse_to_clear(argument == "1")
            case "machine_check":
                self._machine_check(*(int(number, 0) for number in argument.split()))
            case _:
                raise ValueError(f"unknown request '{verb}'")
        return []

    def _machine_check(self, status: int, address: int, misc: int) -> None:
        # To all processors, as on real machines; 5: the program can go on (RIPV) and a check is in progress (MCIP).
        if refusal := self._monitor.command(f"mce -b 0 9 {status:#x} 0x5 {address:#x} {misc:#x}").strip():
            raise RuntimeError(refusal)

    def _errors(self) -> Errors:
        return Errors(self._folder / "errors")

    def _copy(self, name: str, memory: str) -> pathlib.Path:
        if not re.fullmatch(r"[\w-]+", name):
            raise ValueError(f"'{name}' is no name of a snapshot")
        return self._folder / f"snapshot-{name}-{memory}"

    def _data(self) -> list[str]:
        return [memory.name for memory in self._machine.memories if memory.name != "errors"]

    def _snapshot(self, name: str) -> None:
        for memory in self._data():
            subprocess.run(["cp", "--sparse=always", "--reflink=auto", str(self._folder / memory),
                            str(self._copy(name, memory))], check=True)

    def _compare(self, name: str) -> list[str]:
        return [f"{memory} {offset} {length}" for memory in self._data()
                for offset, length in differences(self._copy(name, memory), self._folder / memory)]


def differences(one: pathlib.Path, other: pathlib.Path) -> list[tuple[int, int]]:
    """Ranges of sectors in which two files differ, joined where they adjoin."""
    ranges: list[tuple[int, int]] = []
    with one.open("rb") as left, other.open("rb") as right:
        offset = 0
        while True:
            before, after = left.read(_PIECE), right.read(_PIECE)
            if not before and not after:
                return ranges
            if before != after:
                for start in range(0, max(len(before), len(after)), _UNIT):
                    if before[start:start + _UNIT] != after[start:start + _UNIT]:
                        _join(ranges, offset + start)
            offset += _PIECE


def _join(ranges: list[tuple[int, int]], offset: int) -> None:
    if ranges and sum(ranges[-1]) == offset:
        ranges[-1] = (ranges[-1][0], ranges[-1][1] + _UNIT)
    else:
        ranges.append((offset, _UNIT))
