"""What one run adds to the image: the payload, the functions it may use, pmend's programs and configuration."""
import argparse
import pathlib

import programs
import systemd
from cpio import Archive
from image import Image
from outcome import Wrong

# Below the directory of programs; what is not built is left out.
PROGRAMS = ["pmend", "pmend-worker", "pmendctl", "../tests/pmend-vm-map"]
CONFIGURATION = {"config/policy.d": "/pmend/policy.d", "dbus/org.pmend1.conf": "/usr/share/dbus-1/system.d/org.pmend1.conf"}


def overlay(image: Image, options: argparse.Namespace, root: pathlib.Path, cache: pathlib.Path) -> bytes:
    archive = Archive(present=image.names)
    here = root / "tests/vm"
    archive.add_copy(here / "guest", "/vm")
    archive.add_link("/init", "/vm/init")
    for source, destination in CONFIGURATION.items():
        archive.add_copy(root / source, destination)
    for name in PROGRAMS:
        if (options.programs / name).exists():
            copy = programs.stripped(options.programs / name, cache / "programs")
            _add(archive, copy, f"/usr/bin/{pathlib.Path(name).name}")
    if options.payload:
        _add(archive, _payload(options.payload[0], here), "/payload/run")
        archive.add_file("/payload/arguments", "".join(f"{word}\0" for word in options.payload[1:]).encode())
    if options.systemd:
        systemd.add(archive)
    for wish in options.add:
        name, _, destination = wish.partition(":")
        source = pathlib.Path(name)
        if not source.exists():
            raise Wrong(f"--add {wish}: there is no {name}")
        _add(archive, source, destination or f"/payload/{source.resolve().name}")
    return archive.content()


def _payload(name: str, here: pathlib.Path) -> pathlib.Path:
    for path in [pathlib.Path(name), here / "payload" / name]:
        if path.is_file():
            return path
    raise Wrong(f"there is no payload {name}: neither a file, nor a name below tests/vm/payload")


def _add(archive: Archive, source: pathlib.Path, destination: str) -> None:
    if source.is_file() and programs.is_program(source):
        programs.add_program(archive, source, destination)
    else:
        archive.add_copy(source, destination)
