"""pmendctl locate: by pmend, and without it by a worker of its own; both say the same."""
import json
import os
import pathlib
import shutil
import subprocess
import unittest

import world

PROGRAMS = pathlib.Path(world.PMEND).parent
MIB = 1 << 20
CONTENT = b"what nobody else has".ljust(4096, b".")
PARTITIONS = ((2048, 16384), (20480, 32768), (57344, 2048))  # first sector, count


def run(*words: str, **more) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True, **more).stdout


@unittest.skipIf(os.getuid() != 0, "needs root: loop devices")
class Locate(world.World):
    def setUp(self) -> None:
        super().setUp()
        image = self.folder / "disk.img"
        with image.open("wb") as file:
            file.truncate(40 * MIB)
        run("sfdisk", "-q", str(image), input="label: gpt\n" + "".join(f"{at},{count}\n" for at, count in PARTITIONS))
        self.disk = run("losetup", "-f", "--show", str(image)).strip()
        self.addCleanup(subprocess.run, ["losetup", "-d", self.disk], check=False)
        for number, (first, count) in enumerate(PARTITIONS, 1):  # not every kernel looks for them on a loop device
            run("addpart", self.disk, str(number), str(first), str(count))
            self.addCleanup(subprocess.run, ["delpart", self.disk, str(number)], check=False)
            self.make_node(f"{self.disk}p{number}")
        (self.folder / "tree" / "deep").mkdir(parents=True)
        (self.folder / "tree" / "deep" / "file").write_bytes(CONTENT)
        run("mkfs.ext4", "-q", "-F", "-d", str(self.folder / "tree"), f"{self.disk}p1")
        run("mkswap", f"{self.disk}p2")
        self.worker = self.folder / "worker.sh"
        self.worker.write_text(f"#!/bin/sh\nexec {PROGRAMS}/pmend-worker \"$@\" --spool-dir {self.folder}/spool "
                               f"--runtime-dir {self.folder}/run --config {self.folder}/pmend.json\n")
        self.worker.chmod(0o755)

    def make_node(self, node: str) -> None:
        if not os.path.exists(node):
            major, minor = pathlib.Path(f"/sys/class/block/{node[5:]}/dev").read_text().split(":")
            run("mknod", node, "b", major, minor.strip())
            self.addCleanup(os.unlink, node)

    def ctl(self, *words: str, given: str | bytes = "") -> tuple[int, str, str]:
        given = given.encode() if isinstance(given, str) else given
        done = subprocess.run([PROGRAMS / "pmendctl", *words], input=given, capture_output=True, timeout=60, check=False)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def offline(self, *words: str, given: str | bytes = "", worker: str = "") -> tuple[int, str, str]:
        return self.ctl("locate", "--offline", "--worker", worker or str(self.worker), *words, given=given)

    def test_it_says_the_same_without_pmend(self) -> None:
        self.start(worker=PROGRAMS / "pmend-worker")
        self.until(lambda: self.property("Observing"), "the observer watches")
        places = f"{self.disk} 0 512\n{self.disk} {MIB + 8192} 4096\n{self.disk} {10 * MIB} 512\nwhat\n"
        for words, given in ((["locate", self.disk, "0", str(MIB + 4096)], ""),
                             (["locate", "--json", self.disk, "0", str(40 * MIB)], ""),
                             (["locate", "--stdin"], places), (["locate", "--stdin", "--json"], places),
                             (["locate", "/dev/none", "0", "512"], ""), (["locate", "/dev/null", "0", "512"], ""),
                             (["locate", self.disk, str(40 * MIB), "1"], ""), (["locate", "/proc/version"], ""),
                             (["locate", self.disk], ""), (["locate", str(self.folder / "none")], "")):
            with self.subTest(words=words):
                by_pmend = self.ctl("--bus", self.address, *words, given=given)
                self.assertEqual(self.offline(*words[1:], given=given), by_pmend)

    def test_what_has_no_file_system_is_named(self) -> None:
        status, out, err = self.offline("--json", self.disk, "0", str(40 * MIB))
        self.assertEqual((status, err), (0, ""))
        found = {owner["device_offset"] // MIB: (owner["kind"], owner["detail"]) for owner in json.loads(out)["owners"]}
        self.assertEqual(found[0], ("raw", "partition table or space between partitions"))
        self.assertEqual(found[10], ("raw", "swap"))
        self.assertEqual(found[28], ("raw", "nothing that is known lies there"))

    def test_ext4_that_is_not_mounted_is_read_as_it_lies(self) -> None:
        place = (self.folder / "disk.img").read_bytes().index(CONTENT)
        status, out, err = self.offline("--json", self.disk, str(place + 512), "512")
        self.assertEqual((status, err), (0, ""))
        (owner,) = json.loads(out)["owners"]
        self.assertEqual((owner["kind"], owner["file_offset"], owner["paths"]), ("file", 512, [{"text": "/deep/file"}]))
        self.assertIn("the file system is not mounted here: read from its device", owner["detail"])
        self.assertNotIn("may be old", owner["detail"])
        status, out, err = self.offline("--json", self.disk, str(PARTITIONS[0][0] * 512), str(PARTITIONS[0][1] * 512))
        self.assertEqual(sum(owner["length"] for owner in json.loads(out)["owners"]), PARTITIONS[0][1] * 512)

    def test_what_to_do_with_xfs_that_is_not_mounted_is_said(self) -> None:
        with (self.folder / "xfs.img").open("wb") as file:
            file.truncate(320 * MIB)
        run("mkfs.xfs", "-q", str(self.folder / "xfs.img"))
        node = run("losetup", "-f", "--show", str(self.folder / "xfs.img")).strip()
        self.addCleanup(subprocess.run, ["losetup", "-d", node], check=False)
        status, out, err = self.offline("--json", node, "0", "512")
        self.assertEqual((status, err), (0, ""))
        self.assertIn("mount it (read-only is enough; with ro,norecovery nothing is written)",
                      json.loads(out)["owners"][0]["detail"])

    def test_ten_thousand_lines_in_as_much_memory_as_a_thousand(self) -> None:
        def peak(lines: int) -> int:
            given = "".join(f"{self.disk} {i * 4096} 512\n" for i in range(lines))
            code = ("import resource, subprocess, sys; subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True);"
                    "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)")
            return int(run("python3", "-c", code, str(PROGRAMS / "pmendctl"), "locate", "--offline", "--worker",
                           str(self.worker), "--stdin", input=given))
        self.assertLess(peak(10000), peak(1000) * 1.5)

    def test_hostile_input_costs_its_lines_only(self) -> None:
        hostile = (b"\0\n" b"\xff\xfe\n" + b"9" * 100 + b"\n" + b"x" * 5_000_000 + b"\n" b"/dev/../../etc/passwd 0 1\n"
                   b"/ 0 1\n" + f"{self.disk} 9223372036854775806 1\n{self.disk} 0 1".encode())
        status, out, err = self.offline("--stdin", self.disk, given=hostile)
        self.assertEqual((status, out), (1, f"8: {self.disk} 0+1: no file system: partition table or space between partitions\n"))
        self.assertEqual([line.split(": ")[1] for line in err.splitlines()], [f"line {i}" for i in range(1, 8)], err)
        for said in ("holds a NUL byte", "is not UTF-8", "is not a number that fits", "is longer than 8192 bytes",
                     "reaches beyond the end of"):
            self.assertIn(said, err)

    def test_a_worker_that_is_none_is_said(self) -> None:
        for worker, said in (("/none", "start /none: No such file or directory"), ("/", "start /: Is a directory"),
                             ("/bin/true", "the worker has gone"), ("unix:/none", "No such file or directory")):
            status, out, err = self.offline(self.disk, "0", "1", worker=worker)
            self.assertEqual((status, out, err.count("\n")), (69, "", 1), err)
            self.assertIn(said, err)

    def test_the_worker_beside_it_is_found(self) -> None:
        (self.folder / "bin").mkdir()
        run("cp", str(PROGRAMS / "pmendctl"), str(self.folder / "bin"))
        (self.folder / "bin" / "pmend-worker").symlink_to(self.worker)
        status = subprocess.run([self.folder / "bin" / "pmendctl", "locate", "--offline", self.disk, "0", "1"],
                                capture_output=True, check=False)
        self.assertEqual((status.returncode, status.stderr), (0, b""))

    def test_it_takes_root(self) -> None:
        self.folder.chmod(0o755)
        run("cp", str(PROGRAMS / "pmendctl"), str(self.folder))
        done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", self.folder / "pmendctl",
                               "locate", "--offline", self.disk, "0", "1"], capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout), (4, ""))
        self.assertIn("--offline: reads devices and file systems itself, which takes root", done.stderr)


@unittest.skipIf(os.getuid() != 0, "needs root: loop devices and mounts")
@unittest.skipUnless(shutil.which("mkfs.btrfs"), "mkfs.btrfs is not installed")
class Btrfs(world.World):
    def test_its_files_are_found_and_nothing_is_ever_repaired(self) -> None:
        self.image = self.folder / "disk.img"
        with self.image.open("wb") as file:
            file.truncate(128 * MIB)
        self.disk = run("losetup", "-f", "--show", str(self.image)).strip()
        self.addCleanup(subprocess.run, ["losetup", "-d", self.disk], check=False)
        run("mkfs.btrfs", "-q", "-f", self.disk)
        top = self.folder / "top"
        top.mkdir()
        run("mount", "-t", "btrfs", self.disk, str(top))
        self.addCleanup(subprocess.run, ["umount", str(top)], check=False)
        content = b"where is this block?".ljust(4096, b".")
        (top / "file").write_bytes(content * 4)
        run("sync", "-f", str(top))
        offset = self.image.read_bytes().index(content)
        before = self.image.read_bytes()
        (self.folder / "list").write_text(f"{offset // 512} 8\n")
        (self.folder / "pmend.json").write_text(json.dumps(
            {"auto": False, "devices": [{"device": self.disk, "badblocks": str(self.folder / "list"), "interval": 1}]}))
        methods = ["redirty", "rewrite", "exchange", "frozen-write"]
        self.write_policy({"rules": [{"name": "all", "then": {"action": "repair", "methods": methods}}]})
        self.start(worker=PROGRAMS / "pmend-worker")
        incident = self.until(lambda: next((i for i in self.incidents() if i["reason"]), None), "what became of it")
        self.assertEqual(incident["state"], "blocked", incident)
        self.assertIn("btrfs", incident["reason"])
        located = self.call("Locate", "stt", self.disk, str(offset), "4096")
        self.assertEqual(bytes(located["owners"][0]["paths"][0]).decode(), str(top / "file"))
        self.assertEqual(located["owners"][0]["file_offset"], 0)
        self.assertEqual(self.image.read_bytes()[offset:offset + 16384], before[offset:offset + 16384])


if __name__ == "__main__":
    unittest.main()
