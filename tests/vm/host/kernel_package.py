"""The kernel that the virtual machine boots: Debian's own package, downloaded and unpacked, never installed."""
import lzma
import os
import pathlib
import re
import subprocess
import tempfile
from typing import NamedTuple

import apt_suite
from outcome import CannotRun


class Series(NamedTuple):
    names: re.Pattern[str]  # of packages; the groups are the kernel's version and what is newest
    suite: str = ""         # of Debian that has them; empty: the one of this machine
    parts: tuple[str, ...] = ("linux-image-",)  # the packages of one kernel; the first is what `names` matches


# 6.12 is the oldest series whose drivers do all that is tested here, as Debian 12 has it in backports and security; 6.1 is
# Debian 12's own; 7 the newest that Debian builds for a release.
SERIES = {
    "6.12": Series(re.compile(r"linux-image-(6\.12\.(\d+)\+deb12-amd64)(?:-unsigned)?")),
    "6.1": Series(re.compile(r"linux-image-(6\.1\.0-(\d+)-amd64)(?:-unsigned)?")),
    "7": Series(re.compile(r"linux-modules-(7\.(\d+\.\d+)\+deb13-amd64)"), "trixie-backports",
                ("linux-modules-", "linux-binary-", "linux-base-")),
}


def _age(name: str, series: str) -> tuple[list[int], bool]:
    match = SERIES[series].names.fullmatch(name)
    return ([int(part) for part in match[2].split(".")], not name.endswith("-unsigned")) if match else ([], False)


def _offered(series: str, apt: list[str]) -> list[str]:
    """Names of the packages that apt knows, the newest first."""
    told = subprocess.run(["apt-cache", *apt, "pkgnames", f"{SERIES[series].parts[0]}{series}"], capture_output=True,
                          text=True)
    return sorted(filter(SERIES[series].names.fullmatch, told.stdout.split()), key=lambda name: _age(name, series),
                  reverse=True)


def _kept(folder: pathlib.Path, series: str) -> list[pathlib.Path]:
    names = {path: path.name.partition("_")[0] for path in folder.glob("*.deb")}
    return sorted((path for path, name in names.items() if SERIES[series].names.fullmatch(name)),
                  key=lambda path: _age(names[path], series), reverse=True)


def _all_parts(first: str, series: str) -> list[str]:
    parts = SERIES[series].parts
    return [first.replace(parts[0], part, 1) for part in parts]


def _download(name: str, folder: pathlib.Path, apt: list[str]) -> str:
    """Why it could not be had, if it could not."""
    if list(folder.glob(f"{name}_*.deb")):
        return ""
    with tempfile.TemporaryDirectory(dir=folder) as incoming:
        told = subprocess.run(["apt-get", *apt, "download", name], cwd=incoming, capture_output=True, text=True)
        for whole in pathlib.Path(incoming).glob("*.deb"):
            whole.rename(folder / whole.name)
    return "" if list(folder.glob(f"{name}_*.deb")) else f"apt-get download {name}: {told.stderr.strip()[-300:]}"


def packages(folder: pathlib.Path, series: str) -> list[pathlib.Path]:
    """Of the newest kernel that can be had; what was downloaded before is in `folder`, and good enough if apt has none."""
    folder.mkdir(parents=True, exist_ok=True)
    suite = SERIES[series].suite
    apt = apt_suite.options(suite, folder.parent / "apt") if suite else []
    names = _offered(series, apt)
    if not names and not suite and not _kept(folder, series) and os.geteuid() == 0:
        subprocess.run(["apt-get", "update"], capture_output=True)
        names = _offered(series, apt)
    problems = [f"apt knows no package {SERIES[series].parts[0]}{series}.*"]
    for first in names[:1]:
        problems += [_download(name, folder, apt) for name in _all_parts(first, series)]
    for kept in _kept(folder, series):
        debs = [list(folder.glob(f"{name}_*.deb")) for name in _all_parts(kept.name.partition("_")[0], series)]
        if all(debs):
            return [found[0] for found in debs]
    raise CannotRun("; ".join(filter(None, problems)))


def depmod(root: pathlib.Path, version: str) -> None:
    subprocess.run(["depmod", "-b", str(root), version], check=True)


class Kernel:
    """Unpacked packages of a kernel, as long as the object lives."""

    def __init__(self, debs: list[pathlib.Path]):
        self._folder = tempfile.TemporaryDirectory(prefix="pmend-vm-kernel-")
        self.root = pathlib.Path(self._folder.name)
        for deb in debs:
            subprocess.run(["dpkg", "-x", str(deb), str(self.root)], check=True)
        if not (self.root / "lib").exists():  # since Debian 13 all of it lies below /usr
            (self.root / "lib").symlink_to("usr/lib")
        self.version = next((self.root / "lib/modules").iterdir()).name
        depmod(self.root, self.version)
        self._modules = self.root / "lib/modules" / self.version
        self._needs = dict(self._dependencies())

    def image(self) -> pathlib.Path:
        older = self.root / f"boot/vmlinuz-{self.version}"
        return older if older.exists() else self._modules / "vmlinuz"

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
