"""The ACPI tables and the list of errors of the machine `clears`."""
import pathlib
import struct
import subprocess
import uuid

SOURCE = pathlib.Path(__file__).resolve().parents[1] / "firmware/nvdimm.asl"
# Where the list of errors lies, as firmware/nvdimm.asl says.
ERRORS_ADDRESS = 0x3FF0_0000
ERRORS_SIZE = 1 << 20
_REFUSE = 0x4004
_MOST = 512
PERSISTENT_MEMORY = uuid.UUID("66F0D379-B4F3-4074-AC43-0D3318B78CDB")
_WRITE_BACK_NON_VOLATILE = 0x8008


def ssdt(folder: pathlib.Path) -> bytes:
    """The device with its methods, compiled in `folder`."""
    told = subprocess.run(["iasl", "-p", str(folder / "nvdimm"), str(SOURCE)], capture_output=True, text=True)
    if told.returncode != 0:
        raise RuntimeError(f"iasl {SOURCE}: {told.stdout}{told.stderr}")
    return (folder / "nvdimm.aml").read_bytes()


def nfit(ranges: list[tuple[int, int]]) -> bytes:
    """The table that makes regions of ranges (address, length), numbered in this order (ACPI 6.5, 5.2.25)."""
    body = struct.pack("<I", 0)
    for index, (address, length) in enumerate(ranges, 1):
        body += struct.pack("<HHHHII16sQQQ", 0, 56, index, 0, 0, 0, PERSISTENT_MEMORY.bytes_le, address, length,
                            _WRITE_BACK_NON_VOLATILE)
    head = struct.pack("<4sIBB6s8sI4sI", b"NFIT", 36 + len(body), 1, 0, b"PMEND ", b"NVDIMMFW", 1, b"PMND", 1)
    table = bytearray(head + body)
    table[9] = -sum(table) & 0xFF
    return bytes(table)


class Errors:
    """The list of errors in the memory of the firmware, which is a file here; offsets are physical addresses."""

    def __init__(self, memory: pathlib.Path):
        self._memory = memory

    def ranges(self) -> list[tuple[int, int]]:
        """Address and length of each, in order; adjoining records are one."""
        content = self._memory.read_bytes()
        (count,) = struct.unpack_from("<I", content, 44)
        joined: list[tuple[int, int]] = []
        for address, length in sorted(struct.unpack_from("<QQ", content, 56 + 24 * number) for number in range(count)):
            if joined and sum(joined[-1]) == address:
                address, length = joined[-1][0], joined.pop()[1] + length
            joined.append((address, length))
        return joined

    def add(self, address: int, length: int, step: int, count: int) -> None:
        """That many more, each `step` bytes after the last. One by one the firmware's own methods would take minutes."""
        with self._memory.open("r+b") as file:
            file.seek(44)
            (present,) = struct.unpack("<I", file.read(4))
            if present + count > _MOST:
                raise ValueError(f"there is room for {_MOST - present} more errors")
            file.seek(48 + 24 * present)
            for number in range(count):
                file.write(struct.pack("<QQQ", 0, address + step * number, length))
            file.seek(44)
            file.write(struct.pack("<I", present + count))

    def refuse_to_clear(self, refuse: bool) -> None:
        with self._memory.open("r+b") as file:
            file.seek(_REFUSE)
            file.write(struct.pack("<I", refuse))
