#!/usr/bin/env python3
"""tests/vm/run and its parts: run_test.py Parts|Run|Reboot. Parts needs no virtual machine."""
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "host"))

import channel  # noqa: E402
import cpio  # noqa: E402
import firmware  # noqa: E402
import image  # noqa: E402
import kernel_package  # noqa: E402
import outcome  # noqa: E402
import verdict  # noqa: E402


class Scratch(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="pmend-vm-test-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def payload(self, text: str) -> pathlib.Path:
        path = self.folder / "payload"
        path.write_text(f"#!/bin/bash\n. /vm/lib\n{text}\n")
        path.chmod(0o755)
        return path

    def run_in_machine(self, text: str, *options: str) -> subprocess.CompletedProcess:
        return self.run_it(*options, str(self.payload(text)))

    def run_it(self, *arguments: str) -> subprocess.CompletedProcess:
        told = subprocess.run([str(HERE / "run"), *arguments], capture_output=True, text=True,
                              env={**os.environ, "TMPDIR": str(self.folder)})
        if told.returncode == outcome.CANNOT_RUN:
            print(told.stdout)
            sys.exit(outcome.CANNOT_RUN)
        return told


class Parts(Scratch):
    def test_complaints_of_the_kernel_are_seen(self) -> None:
        bad = ["[    3.1] BUG: unable to handle page fault for address: ffff", "[    3.2] Oops: Oops: 0002 [#1] SMP",
               "[  9.9] WARNING: CPU: 1 PID: 7 at fs/dax.c:1", "[  80.0] INFO: task sync:9 blocked for more than 60 seconds.",
               "[  9.9] XFS (pmem0): Filesystem has been shut down due to log error (0x2).",
               "[  9.9] XFS (pmem0): Corruption of in-memory data (0x8) detected at xfs_trans_cancel",
               "[  9.9] EXT4-fs error (device pmem0): ext4_find_entry:1", "[  9.9] kernel BUG at mm/slub.c:1!"]
        good = ["[    1.0] Kernel command line: panic=-1", "[  9.9] XFS (pmem0): Ending clean mount",
                "[  9.9] Memory failure: 0x50428: recovery action for dax page: Recovered",
                "[  9.9] EXT4-fs (pmem1): mounted filesystem", "[  9.9] mce: [Hardware Error]: Machine check events logged"]
        self.assertEqual(verdict.complaints("\r\n".join(bad + good), []), bad)
        self.assertEqual(verdict.complaints("\n".join(bad), ["XFS .*shut down", "BUG", "Oops", "blocked", "EXT4"]), bad[2:3] + bad[5:6])

    def test_differences_are_ranges_of_sectors(self) -> None:
        one, other = self.folder / "one", self.folder / "other"
        content = bytearray(3 << 20)
        one.write_bytes(content)
        content[5] = content[512] = content[(1 << 20) - 1] = content[1 << 20] = 1
        other.write_bytes(content)
        self.assertEqual(channel.differences(one, other), [(0, 1024), ((1 << 20) - 512, 1024)])
        self.assertEqual(channel.differences(one, one), [])

    def test_regions_are_listed_in_the_order_wanted(self) -> None:
        table = firmware.nfit([(0x50000000, 1 << 20), (0x40000000, 1 << 21)])
        self.assertEqual(sum(table) % 256, 0)
        self.assertEqual(table[72:88], (0x50000000).to_bytes(8, "little") + (1 << 20).to_bytes(8, "little"))

    def test_adjoining_errors_are_one(self) -> None:
        records = [(0x40000200, 512), (0x40001000, 256), (0x40000000, 512)]
        memory = self.folder / "errors"
        memory.write_bytes(bytes(44) + struct.pack("<I", len(records)) +
                           b"".join(struct.pack("<QQQ", 0, *record) for record in records))
        self.assertEqual(firmware.Errors(memory).ranges(), [(0x40000000, 1024), (0x40001000, 256)])

    def test_many_errors_are_added_at_once(self) -> None:
        memory = self.folder / "errors"
        memory.write_bytes(bytes(firmware.ERRORS_SIZE))
        errors = firmware.Errors(memory)
        errors.add(0x40000200, 512, 4096, 2)
        errors.add(0x40010000, 256, 0, 1)
        self.assertEqual(errors.ranges(), [(0x40000200, 512), (0x40001200, 512), (0x40010000, 256)])
        with self.assertRaisesRegex(ValueError, "room for 509 more"):
            errors.add(0x40000000, 512, 4096, 510)
        self.assertEqual(len(errors.ranges()), 3)

    def test_an_archive_follows_merged_directories(self) -> None:
        archive = cpio.Archive()
        archive.add_file("/lib/x/y", b"text", 0o755)
        archive.add_file("/sbin/z", b"")
        self.assertLessEqual({"usr/lib/x", "usr/lib/x/y", "usr/bin/z", "lib"}, archive.names())
        self.assertIn("/usr/lib/x/y", archive)
        later = cpio.Archive(present=archive.names())
        later.add_file("/usr/bin/w", b"")
        self.assertNotIn(b"usr\0", later.content())  # would replace the link that is there

    def test_the_newest_kernel_is_taken_signed_if_there_is_one(self) -> None:
        names = [f"linux-image-6.12.{version}+deb12-amd64{kind}" for version in (9, 117, 20) for kind in ("-unsigned", "")]
        offered = "\n".join(names + ["linux-image-6.12.300+deb12-cloud-amd64", "linux-image-6.12-amd64"])
        with mock.patch("subprocess.run", return_value=mock.Mock(stdout=offered)):
            self.assertEqual(kernel_package._offered("6.12", [])[:2], [names[3], names[2]])

    def test_series_of_kernels_are_told_apart(self) -> None:
        own, newer = "linux-image-6.1.0-56-amd64", "linux-image-6.12.117+deb12-amd64"
        offered = "\n".join([newer, own, "linux-image-6.1.0-9-amd64", "linux-image-6.1.0-56-rt-amd64"])
        with mock.patch("subprocess.run", return_value=mock.Mock(stdout=offered)):
            self.assertEqual(kernel_package._offered("6.1", []), [own, "linux-image-6.1.0-9-amd64"])
            self.assertEqual(kernel_package._offered("6.12", []), [newer])
        for name in (own, newer):
            (self.folder / f"{name}_1_amd64.deb").touch()
        self.assertEqual([path.name for path in kernel_package._kept(self.folder, "6.1")], [f"{own}_1_amd64.deb"])

    def test_a_missing_package_is_named(self) -> None:
        with mock.patch("programs.found", side_effect=lambda name: None if name in ("iasl", "ndctl") else pathlib.Path(name)):
            with self.assertRaisesRegex(outcome.CannotRun, "acpica-tools ndctl"):
                image.check_programs()

    def test_what_does_not_exist_is_an_error_of_usage(self) -> None:
        self.assertEqual(self.run_it("--machine", "clears", "no-such-payload").returncode, outcome.USAGE)
        self.assertEqual(self.run_it("--add", "no-such-file", "smoke").returncode, outcome.USAGE)
        self.assertEqual(self.run_it().returncode, outcome.USAGE)


class Run(Scratch):
    def test_output_status_and_files_pass(self) -> None:
        (self.folder / "data").write_text("brought along")
        told = self.run_it("--add", f"{self.folder / 'data'}:/etc/data", "--out", str(self.folder / "out"),
                           str(self.payload('cat /etc/data; echo "$# $2"; echo result >/share/file; exit 42')), "a", "b c")
        self.assertEqual((told.returncode, told.stdout), (42, "brought along2 b c\n"), told.stderr)
        self.assertEqual((self.folder / "out/file").read_text(), "result\n")

    def test_a_complaint_of_the_kernel_is_told_apart(self) -> None:
        complain = "echo '<4>WARNING: CPU: 0 PID: 1 at a test' >/dev/kmsg"
        told = self.run_in_machine(complain)
        self.assertEqual(told.returncode, outcome.KERNEL_COMPLAINED)
        self.assertIn("vm: the kernel complained: ", told.stderr)
        expected = self.run_in_machine(f"host allow 'WARNING: .*test'; {complain}")
        self.assertEqual(expected.returncode, 0, expected.stderr)

    def test_a_machine_that_hangs_or_dies_ends_in_time_and_shows_its_console(self) -> None:
        hung = self.run_in_machine("sleep 1000", "--timeout", "8")
        self.assertEqual(hung.returncode, outcome.TIME_LIMIT)
        self.assertIn("the end of the console", hung.stderr)
        left = subprocess.run(["pgrep", "-f", str(self.folder)], capture_output=True, text=True)
        self.assertEqual(left.stdout, "")
        died = self.run_in_machine("echo o >/proc/sysrq-trigger; sleep 1000")
        self.assertEqual(died.returncode, outcome.DIED)


FILL = """
disk=$(make_namespace region0)
make_fs $disk ext4; mount_fs $disk always /mnt/a
echo content >/mnt/a/file; sync
poison $disk $(device_offset /mnt/a/file 0) 512
blkid -o value -s UUID /dev/$disk >/mnt/a/uuid
umount /mnt/a
"""
# The kernel scrubs by itself when it finds the region.
LOOK = """
udevadm settle
expect "it is pmem1 now" equal fsdax "$(ndctl list -N -n namespace1.0 | jq -r '.[0].mode')"
mount_fs pmem1 always /mnt/a
expect "with what it held" equal "$(cat /mnt/a/uuid)" "$(blkid -o value -s UUID /dev/pmem1)"
offset=$(device_offset /mnt/a/file 0)
until_true 30 grep -q . /sys/block/pmem1/badblocks
expect "and its errors are known without anybody asking" equal "$((offset / 512)) 1" "$(listed pmem1)"
expect "as the medium has them" equal "$offset 512" "$(in_medium pmem1)"
finish
"""


class Reboot(Scratch):
    def test_memory_and_errors_are_kept_and_disks_change_places(self) -> None:
        kept = str(self.folder / "kept")
        first = self.run_in_machine(FILL, "--keep", kept)
        self.assertEqual(first.returncode, 0, first.stdout + first.stderr)
        second = self.run_in_machine(LOOK, "--keep", kept, "--swap")
        self.assertEqual(second.returncode, 0, second.stdout + second.stderr)


if __name__ == "__main__":
    unittest.main()
