"""Programs of this machine, and what they need to run in another one."""
import functools
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import time

PATH = "/usr/sbin:/usr/bin:/sbin:/bin:/lib/systemd:/usr/lib/systemd"
ELF = b"\x7fELF"
KEPT_SECONDS = 24 * 3600


def found(name: str) -> pathlib.Path | None:
    path = shutil.which(name, path=PATH)
    return pathlib.Path(path) if path else None


def is_program(path: pathlib.Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == ELF


@functools.cache
def libraries(path: pathlib.Path) -> list[pathlib.Path]:
    """The shared libraries that the loader would take, itself among them; none for scripts and static programs."""
    told = subprocess.run(["ldd", str(path)], capture_output=True, text=True)
    return [pathlib.Path(name) for name in re.findall(r"(/\S+) \(0x", told.stdout)]


def stripped(path: pathlib.Path, cache: pathlib.Path) -> pathlib.Path:
    """A copy without symbols, which are most of our programs: the machine unpacks them at each boot."""
    state = path.stat()
    key = hashlib.sha256(f"{path.resolve()} {state.st_size} {state.st_mtime_ns}".encode()).hexdigest()[:16]
    copy = cache / f"{path.name}-{key}"
    if not copy.exists():
        cache.mkdir(parents=True, exist_ok=True)
        incoming = copy.with_name(f"{copy.name}.{os.getpid()}")
        subprocess.run(["strip", "-o", str(incoming), str(path)], check=True)
        incoming.rename(copy)
        _forget_old(cache)
    return copy


def _forget_old(cache: pathlib.Path) -> None:
    for copy in cache.iterdir():
        if time.time() - copy.stat().st_mtime > KEPT_SECONDS:
            copy.unlink(missing_ok=True)


def add_program(archive, path: pathlib.Path, destination: str) -> None:
    """With all libraries that the archive has not got yet."""
    archive.add_file(destination, path.read_bytes(), 0o755)
    for library in libraries(path):
        if str(library) not in archive:
            archive.add_file(str(library), library.read_bytes(), 0o755)
