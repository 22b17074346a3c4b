"""The kernel that the virtual machine boots: Debian's own package, downloaded and unpacked, never installed."""
import lzma
import os
import pathlib
import re
import subprocess
import tempfile

from outcome import CannotRun

# 6.12 is the oldest series whose drivers do all that is tested here, as Debian 12 has it in backports and security; 6.1 is
# Debian 12's own.
SERIES = {
    "6.12": re.compile(r"linux-image-(6\.12\.(\d+)\+deb12-amd64)(?:-unsigned)?"),
    "6.1": re.compile(r"linux-image-(6\.1\.0-(\d+)-amd64)(?:-unsigned)?"),
}


def _age(name: str, series: str) -> tuple[int, bool]:
    match = SERIES[series].fullmatch(name)
    return (int(match[2]), not name.endswith("-unsigned")) if match else (0, False)


def _offered(series: str) -> list[str]:
    """Names of the packages that apt knows, the newest first."""
    told = subprocess.run(["apt-cache", "pkgnames", f"linux-image-{series}"], capture_output=True, text=True)
    return sorted(filter(SERIES[series].fullmatch, told.stdout.split()), key=lambda name: _age(name, series), reverse=True)


def _kept(folder: pathlib.Path, series: str) -> list[pathlib.Path]:
    names = {path: path.name.partition("_")[0] for path in folder.glob("linux-image-*.deb")}
    return sorted((path for path, name in names.items() if SERIES[series].fullmatch(name)),
                  key=lambda path: _age(names[path], series), reverse=True)


def package(folder: pathlib.Path, series: str) -> pathlib.Path:
    """The newest package that can be had; what was downloaded before is in `folder`, and good enough if apt has none."""
    folder.mkdir(parents=True, exist_ok=True)
    names = _offered(series)
    if not names and not _kept(folder, series) and os.geteuid() == 0:
        subprocess.run(["apt-get", "update"], capture_output=True)
        names = _offered(series)
    error = f"apt knows no package linux-image-{series}.* of Debian 12"
    for name in names[:1]:
        if not list(folder.glob(f"{name}_*.deb")):
            with tempfile.TemporaryDirectory(dir=folder) as incoming:
                told = subprocess.run(["apt-get", "download", name], cwd=incoming, capture_output=True, text=True)
                error = f"apt-get download {name}: {told.stderr.strip()[-300:]}"
                for whole in pathlib.Path(incoming).glob("*.deb"):
                    whole.rename(folder / whole.name)
    kept = _kept(folder, series)
    if not kept:
        raise CannotRun(error)
    return kept[0]


def depmod(root: pathlib.Path, version: str) -> None:
    subprocess.run(["depmod", "-b", str(root), version], check=True)


class Kernel:
    """An unpacked kernel package, as long as the object lives."""

    def __init__(self, deb: pathlib.Path):
        self._folder = tempfile.TemporaryDirectory(prefix="pmend-vm-kernel-")
        self.root = pathlib.Path(self._folder.name)
        subprocess.run(["dpkg", "-x", str(deb), str(self.root)], check=True)
        self.version = next((self.root / "lib/modules").iterdir()).name
        depmod(self.root, self.version)
        self._modules = self.root / "lib/modules" / self.version
        self._needs = dict(self._dependencies())

    def image(self) -> pathlib.Path:
        return self.root / f"boot/vmlinuz-{self.version}"

    def modules_with_needs(self, names: list[str]) -> dict[str, bytes]:
        """Name below lib/modules/VERSION, without compression (quicker to load), and content."""
        wanted: dict[str, bytes] = {}
        for name in names:
            for path in self._needs.get(name.replace("-", "_"), []):
                content = (self._modules / path).read_bytes()
                wanted[path.removesuffix(".xz")] = lzma.decompress(content) if path.endswith(".xz") else content
        return wanted

    def lists(self) -> list[pathlib.Path]:
        """What depmod wants to know about modules that are part of the kernel."""
        return sorted(self._modules.glob("modules.builtin*")) + [self._modules / "modules.order"]

    def _dependencies(self):
        for line in (self._modules / "modules.dep").read_text().splitlines():
            path, _, needs = line.partition(":")
            name = pathlib.Path(path).name.partition(".ko")[0].replace("-", "_")
            yield name, [path, *needs.split()]
