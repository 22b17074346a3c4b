"""The three machines: what QEMU and the kernel are told to make persistent memory of files of the host.

  clears   stock drivers on our own firmware (firmware/nvdimm.asl): it scrubs, clears, and takes injected errors
  cannot   the NVDIMM of QEMU, whose firmware cannot do any of that
  virtio   two virtio-pmem devices: no firmware at all

In all of them the pages are real ones (ZONE_DEVICE), and machine checks can be raised through QEMU's monitor.
"""
import pathlib
from typing import NamedTuple

import firmware

MIB = 1 << 20
_BASE = 1024 * MIB
_HIGH = 128 * MIB
_LABELS = 128 << 10


class Memory(NamedTuple):
    """Persistent memory: a file of the host that the machine has mapped."""
    name: str
    size: int


class Machine(NamedTuple):
    """What is mapped, with what command line (made by `arguments` from the folder of the files), for what kernel."""
    name: str
    memories: list[Memory]
    arguments: list[str]
    kernel_arguments: str


def clears(folder: pathlib.Path, swap: bool) -> Machine:
    """Two ranges of RAM become regions. With `swap` the firmware lists them the other way round: pmem0 is pmem1 then."""
    memories = [Memory("region-a", 256 * MIB), Memory("region-b", 128 * MIB)]
    layout = [Memory("errors", firmware.ERRORS_SIZE), *memories]
    total = sum(memory.size for memory in memories) // MIB
    # RAM lies in the order of the nodes. The BIOS has its tables at the end of it.
    arguments = ["-machine", "q35", "-m", f"{_BASE // MIB + total + _HIGH // MIB}M",
                 *_ram("low", _BASE - firmware.ERRORS_SIZE, ",cpus=0-1")]
    for memory in layout:
        arguments += [*_backend(folder, memory), "-numa", f"node,memdev={memory.name}"]
    arguments += _ram("high", _HIGH)
    ranges = [(_BASE, memories[0].size), (_BASE + memories[0].size, memories[1].size)]
    (folder / "nfit.aml").write_bytes(firmware.nfit(ranges[::-1] if swap else ranges))
    (folder / "ssdt.aml").write_bytes(firmware.ssdt(folder))
    arguments += ["-acpitable", f"file={folder / 'nfit.aml'}", "-acpitable", f"file={folder / 'ssdt.aml'}"]
    kernel = f"numa=off memmap={total}M%{_BASE // MIB}M-1+7 memmap=1M${_BASE // MIB - 1}M"
    return Machine("clears", layout, arguments, kernel)


def cannot(folder: pathlib.Path, _swap: bool) -> Machine:
    memory = Memory("nvdimm", 256 * MIB + _LABELS)
    arguments = ["-machine", "q35,nvdimm=on", "-m", "1G,slots=2,maxmem=4G", *_backend(folder, memory),
                 "-device", f"nvdimm,id=dimm0,memdev={memory.name},label-size={_LABELS}"]
    return Machine("cannot", [memory], arguments, "")


def virtio(folder: pathlib.Path, swap: bool) -> Machine:
    memories = [Memory("virtio-a", 256 * MIB), Memory("virtio-b", 128 * MIB)]
    arguments = ["-machine", "q35", "-m", "1G,slots=2,maxmem=4G"]
    for memory in memories[::-1] if swap else memories:
        arguments += [*_backend(folder, memory), "-device", f"virtio-pmem-pci,id=dev-{memory.name},memdev={memory.name}"]
    return Machine("virtio", memories, arguments, "")


MACHINES = {"clears": clears, "cannot": cannot, "virtio": virtio}


def _ram(name: str, size: int, more: str = "") -> list[str]:
    return ["-object", f"memory-backend-ram,id={name},size={size}", "-numa", f"node,memdev={name}{more}"]


def _backend(folder: pathlib.Path, memory: Memory) -> list[str]:
    return ["-object", f"memory-backend-file,id={memory.name},share=on,mem-path={folder / memory.name},size={memory.size}"]


def make_files(folder: pathlib.Path, machine: Machine) -> None:
    """Those that are not there already are made, empty; the others are kept, with what they hold."""
    for memory in machine.memories:
        with (folder / memory.name).open("ab") as file:
            file.truncate(memory.size)
