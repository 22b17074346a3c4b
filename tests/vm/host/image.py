"""The first file system of the machine: a Debian kernel's modules and the programs of this machine that tests need."""
import fcntl
import hashlib
import pathlib
import shutil
import subprocess
import tempfile
import time
from typing import NamedTuple

import kernel_package
import programs
from cpio import Archive
from outcome import CannotRun

# Each with the package that has it, to be named where it is missing.
NEEDED = {
    "qemu-system-x86_64": "qemu-system-x86", "iasl": "acpica-tools", "dpkg": "dpkg", "apt-get": "apt", "strip": "binutils",
    "depmod": "kmod", "ldd": "libc-bin", "setpriv": "util-linux",
}
IN_MACHINE = {
    "bash": "bash", "busybox": "busybox-static", "cmp": "diffutils", "dd": "coreutils", "timeout": "coreutils",
    "stat": "coreutils", "mount": "mount", "umount": "mount", "losetup": "mount", "findmnt": "util-linux",
    "blkdiscard": "util-linux", "fallocate": "util-linux", "fsfreeze": "util-linux", "setpriv": "util-linux",
    "wipefs": "util-linux",
    "dmesg": "util-linux", "blkid": "util-linux", "flock": "util-linux", "sfdisk": "fdisk", "dmsetup": "dmsetup",
    "kmod": "kmod", "ndctl": "ndctl", "daxctl": "daxctl", "xfs_io": "xfsprogs", "xfs_db": "xfsprogs",
    "xfs_repair": "xfsprogs", "mkfs.xfs": "xfsprogs", "mke2fs": "e2fsprogs", "tune2fs": "e2fsprogs",
    "e2fsck": "e2fsprogs", "debugfs": "e2fsprogs", "filefrag": "e2fsprogs", "chattr": "e2fsprogs", "lsattr": "e2fsprogs",
    "udevadm": "udev", "systemd-udevd": "udev", "dbus-daemon": "dbus", "jq": "jq", "mdadm": "mdadm", "grep": "grep",
    "mkfs.f2fs": "f2fs-tools", "mkfs.nilfs2": "nilfs-tools",
}
# For looking around by hand.
WELCOME = ["busctl", "strace", "lsof", "less"]
MODULES = [
    "nfit", "libnvdimm", "nd_pmem", "nd_btt", "nd_virtio", "virtio_pmem", "device_dax", "dax_pmem", "xfs", "ext4", "loop",
    "dm_mod", "dm_crypt", "xts", "aes_generic", "raid0", "raid1", "crc32c_generic", "libcrc32c", "crc32c_intel",
    "f2fs", "crc32_generic", "nilfs2", "9p", "9pnet", "9pnet_virtio", "virtio_pci",
]
DPKG_STATUS = pathlib.Path("/var/lib/dpkg/status")
KEPT_SECONDS = 24 * 3600
MADE_BY = ["cpio.py", "image.py", "kernel_package.py", "programs.py"]
FILES = ["/etc/mke2fs.conf", "/usr/share/dbus-1/system.conf", "/lib/udev/rules.d/50-udev-default.rules",
         "/lib/udev/rules.d/60-block.rules", "/lib/udev/rules.d/60-persistent-storage.rules"]
USERS = """root:x:0:0:root:/root:/bin/bash
messagebus:x:100:100::/:/bin/false
pmend:x:101:101::/:/bin/false
nobody:x:65534:65534::/:/bin/bash
"""
GROUPS = "root:x:0:\ndisk:x:6:\nmessagebus:x:100:\npmend:x:101:\nnogroup:x:65534:\n"


class Image(NamedTuple):
    kernel: pathlib.Path
    archive: pathlib.Path  # of the first file system
    names: set[str]        # of the files in it


def check_programs() -> None:
    missing = {package for name, package in (NEEDED | IN_MACHINE).items() if programs.found(name) is None}
    if missing:
        raise CannotRun(f"packages are missing: {' '.join(sorted(missing))}")


def image(cache: pathlib.Path, series: str) -> Image:
    """The image made of this series of kernels and of what this machine has now. Made once: two that ask at the same time wait for one another."""
    check_programs()
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        debs = kernel_package.packages(cache / "packages", series)
        folder = cache / "images" / _key(debs)
        if not folder.exists():
            _make(debs, folder)
            _forget_old(folder.parent)
    names = set((folder / "names").read_text().split("\n"))
    return Image(folder / "vmlinuz", folder / "base.cpio", names)


def _key(debs: list[pathlib.Path]) -> str:
    """Changes with all that an image is made of: the kernel, what is installed here, and the programs that make it."""
    installed = DPKG_STATUS.stat()
    here = pathlib.Path(__file__).parent
    parts = [*(deb.name for deb in debs), f"{installed.st_size} {installed.st_mtime_ns}", *((here / name).read_text() for name in MADE_BY)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _forget_old(images: pathlib.Path) -> None:
    """Those that a run may still be using are younger than a day."""
    for folder in images.iterdir():
        if time.time() - folder.stat().st_mtime > KEPT_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)


def _make(debs: list[pathlib.Path], folder: pathlib.Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    kernel = kernel_package.Kernel(debs)
    archive = Archive()
    _add_files(archive)
    _add_programs(archive)
    _add_modules(archive, kernel)
    with tempfile.TemporaryDirectory(dir=folder.parent) as incoming:
        made = pathlib.Path(incoming) / "image"
        made.mkdir()
        shutil.copyfile(kernel.image(), made / "vmlinuz")
        (made / "base.cpio").write_bytes(archive.content())
        (made / "names").write_text("\n".join(sorted(archive.names())))
        made.rename(folder)


def _add_files(archive: Archive) -> None:
    for name in ["dev", "etc/ndctl", "etc/udev", "mnt", "proc", "root", "run", "share", "sys", "tmp", "var"]:
        archive.add_directory("/" + name)
    archive.add_link("/var/run", "/run")
    archive.add_link("/etc/mtab", "/proc/mounts")
    for name in FILES:
        if pathlib.Path(name).exists():
            archive.add_copy(pathlib.Path(name), name)
    archive.add_file("/etc/passwd", USERS.encode())
    archive.add_file("/etc/group", GROUPS.encode())
    archive.add_file("/etc/nsswitch.conf", b"passwd: files\ngroup: files\nhosts: files\n")
    archive.add_file("/etc/machine-id", b"11111111222233334444555555555555\n")


def _add_programs(archive: Archive) -> None:
    for name in [*IN_MACHINE, *WELCOME]:
        if path := programs.found(name):
            programs.add_program(archive, path, f"/usr/bin/{name}")
    archive.add_link("/usr/bin/mkfs.ext4", "mke2fs")
    archive.add_link("/usr/bin/sh", "bash")
    for name in ["modprobe", "insmod", "rmmod", "lsmod", "depmod", "modinfo"]:
        archive.add_link(f"/usr/bin/{name}", "kmod")
    for name in _applets():
        if f"/usr/bin/{name}" not in archive:
            archive.add_link(f"/usr/bin/{name}", "busybox")


def _applets() -> list[str]:
    """The names that busybox knows itself by, as its own binary lists them."""
    told = subprocess.run([str(programs.found("busybox")), "--list"], capture_output=True, text=True, check=True)
    return told.stdout.split()


def _add_modules(archive: Archive, kernel: kernel_package.Kernel) -> None:
    with tempfile.TemporaryDirectory() as root:
        folder = pathlib.Path(root) / "lib/modules" / kernel.version
        for name, content in kernel.modules_with_needs(MODULES).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        for path in kernel.lists():
            shutil.copyfile(path, folder / path.name)
        kernel_package.depmod(pathlib.Path(root), kernel.version)
        archive.add_copy(folder, f"/lib/modules/{kernel.version}")
