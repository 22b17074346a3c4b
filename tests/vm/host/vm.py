"""One boot of a machine, from the start of QEMU to its end."""
import pathlib
import socket
import subprocess
import sys
import time
from typing import NamedTuple

import machines
from channel import Channel
from image import Image
from machines import Machine
from monitor import Monitor

# Intel's name makes the kernel take injected machine checks for memory errors. KVM is not used: there the same machine
# behaves differently from host to host, and not at all on some.
PROCESSOR = ["-accel", "tcg,thread=multi", "-cpu", "max,vendor=GenuineIntel,la57=off", "-smp", "2"]
# Nobody attacks this machine; page tables of its own for the kernel cost a quarter of the time here.
KERNEL = "console=ttyS0,115200 panic=-1 nokaslr mitigations=off random.trust_cpu=on nowatchdog ignore_loglevel"
_END_SECONDS = 5


class Ended(NamedTuple):
    status: int | None   # of the payload, if it said one
    timed_out: bool
    console: str
    qemu: str            # what QEMU itself said
    allowed: list[str]   # complaints of the kernel that the payload expects


class Options(NamedTuple):
    limit: float
    interactive: bool
    share: pathlib.Path | None
    kernel_arguments: str


def boot(image: Image, overlay: bytes, machine: Machine, folder: pathlib.Path, work: pathlib.Path,
         options: Options) -> Ended:
    """Boots with the memory in `folder`, and passes on what the payload prints; `work` is for what is needed meanwhile."""
    machines.make_files(folder, machine)
    initrd = work / "initrd"
    initrd.write_bytes(image.archive.read_bytes() + overlay)
    console, said = work / "console", work / "qemu.log"
    command = ["setpriv", "--pdeathsig", "KILL", "qemu-system-x86_64", *PROCESSOR, *machine.arguments,
               *_devices(work, console), "-kernel", str(image.kernel), "-initrd", str(initrd)]
    words = [KERNEL, f"pmend.machine={machine.name}", machine.kernel_arguments, options.kernel_arguments]
    if options.share:
        command += ["-virtfs", f"local,path={options.share},mount_tag=share,security_model=none"]
        words.append("pmend.share")
    command += ["-append", " ".join(filter(None, words))]
    with said.open("wb") as log:
        stdin = None if options.interactive else subprocess.DEVNULL
        qemu = subprocess.Popen(command, stdin=stdin, stdout=None, stderr=log)
    try:
        channel = _connect(qemu, work, machine, folder)
        timed_out = _wait(qemu, channel, options.limit)
    finally:
        qemu.kill()
        qemu.wait()
    return Ended(channel.status if channel else None, timed_out, console.read_text(errors="replace"),
                 said.read_text(errors="replace"), channel.allowed if channel else [])


def _devices(work: pathlib.Path, console: pathlib.Path) -> list[str]:
    """Three serial ports: the console, what the payload prints, and the channel to the host; QEMU's monitor for the host."""
    return ["-display", "none", "-monitor", "none", "-no-reboot", "-nodefaults",
            "-chardev", f"file,id=console,path={console}", "-serial", "chardev:console",
            "-chardev", "stdio,id=output,signal=off", "-serial", "chardev:output",
            "-chardev", f"socket,id=channel,path={work / 'channel'},server=on,wait=off", "-serial", "chardev:channel",
            "-qmp", f"unix:{work / 'monitor'},server=on,wait=off"]


def _connect(qemu: subprocess.Popen, work: pathlib.Path, machine: Machine, folder: pathlib.Path) -> Channel | None:
    """None if QEMU ends before it listens: then it has said why."""
    connection = socket.socket(socket.AF_UNIX)
    while qemu.poll() is None:
        try:
            connection.connect(str(work / "channel"))
        except (FileNotFoundError, ConnectionRefusedError):
            time.sleep(0.02)
            continue
        channel = Channel(connection, Monitor(work / "monitor"), machine, folder)
        channel.start()
        return channel
    return None


def _wait(qemu: subprocess.Popen, channel: Channel | None, limit: float) -> bool:
    """Until the payload has ended, or the machine has. Returns whether the time was up before."""
    if channel is None:
        return False
    if not channel.ended.wait(limit):
        return True
    if channel.status is not None:
        # Its memory is the files' already, whatever the machine does; what it printed shall arrive.
        try:
            qemu.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            print("vm: the machine did not turn itself off", file=sys.stderr)
    return False
