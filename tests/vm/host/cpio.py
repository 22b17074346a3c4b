"""An archive that the kernel unpacks into its first file system (format newc, see buffer-format.rst of the kernel)."""
import pathlib
import stat

# Links, so that a program is found whichever of its names is used.
MERGED = {"bin": "usr/bin", "sbin": "usr/bin", "usr/sbin": "usr/bin", "lib": "usr/lib", "lib64": "usr/lib64"}


def normalised(destination: str) -> str:
    """The name of a file in the archive, without links in it: /lib64/x is usr/lib64/x."""
    name = destination.strip("/")
    for link, target in MERGED.items():
        if name.startswith(link + "/"):
            return target + name.removeprefix(link)
    return name


class Archive:
    """Collects files in memory. `present` are those of an archive that is unpacked before this one."""

    def __init__(self, present: set[str] | None = None):
        self._present = present or set()
        self._names: set[str] = set()
        self._parts: list[bytes] = []
        if not present:
            for link, target in MERGED.items():
                self.add_directory("/" + target)
                self._append(link, stat.S_IFLNK | 0o777, f"/{target}".encode())

    def __contains__(self, destination: str) -> bool:
        return normalised(destination) in self._names | self._present

    def names(self) -> set[str]:
        return self._names | self._present

    def add_directory(self, destination: str, mode: int = 0o755) -> None:
        name = normalised(destination)
        if name and name not in self.names():
            self._add_parents(name)
            self._append(name, stat.S_IFDIR | mode, b"")

    def add_file(self, destination: str, content: bytes, mode: int = 0o644) -> None:
        name = normalised(destination)
        self._add_parents(name)
        self._append(name, stat.S_IFREG | mode, content)

    def add_link(self, destination: str, target: str) -> None:
        name = normalised(destination)
        self._add_parents(name)
        self._append(name, stat.S_IFLNK | 0o777, target.encode())

    def add_copy(self, source: pathlib.Path, destination: str) -> None:
        """A file with its mode, or a directory with all below it; links are followed."""
        if source.is_dir():
            self.add_directory(destination)
            for entry in sorted(source.iterdir()):
                self.add_copy(entry, f"{destination.rstrip('/')}/{entry.name}")
        else:
            self.add_file(destination, source.read_bytes(), stat.S_IMODE(source.stat().st_mode))

    def content(self) -> bytes:
        return b"".join([*self._parts, _entry("TRAILER!!!", 0, b"")])

    def _add_parents(self, name: str) -> None:
        parent = name.rpartition("/")[0]
        if parent:
            self.add_directory("/" + parent)

    def _append(self, name: str, mode: int, content: bytes) -> None:
        self._names.add(name)
        self._parts.append(_entry(name, mode, content))


def _entry(name: str, mode: int, content: bytes) -> bytes:
    encoded = name.encode() + b"\0"
    # inode, mode, uid, gid, links, mtime, size, device and special device (two fields each), length of the name, check
    fields = (0, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(encoded), 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + encoded
    return _padded(head) + _padded(content)


def _padded(part: bytes) -> bytes:
    return part + b"\0" * (-len(part) % 4)
