"""pmendctl locate through devices upon devices: what the oracle says is where the content really is."""
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

import world

PROGRAMS = pathlib.Path(world.PMEND).parent
MIB = 1 << 20
PARTITIONS = ((2048, 98304), (102400, 65536))  # first sector, count
SHARED_MEMORY = pathlib.Path("/dev/shm")


def run(*words: str, **more) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True, **more).stdout


def content(name: str) -> bytes:
    return f"this is {name}, and nobody else says so".encode().ljust(4096, b"~")


@unittest.skipIf(os.getuid() != 0, "needs root: loop devices and mounts")
@unittest.skipUnless(os.access(SHARED_MEMORY, os.W_OK), "no file system in memory to end the stack with")
class Stack(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(dir=SHARED_MEMORY, prefix="pmend-stack-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.image = self.folder / "disk.img"
        with self.image.open("wb") as file:
            file.truncate(96 * MIB)
        self.disk = self.loop(self.image)
        self.parts = []
        for number, (first, count) in enumerate(PARTITIONS, 1):
            run("addpart", self.disk, str(number), str(first), str(count))
            self.addCleanup(subprocess.run, ["delpart", self.disk, str(number)], check=False)
            self.parts.append(f"{self.disk}p{number}")
            if not os.path.exists(self.parts[-1]):
                major, minor = pathlib.Path(f"/sys/class/block/{self.parts[-1][5:]}/dev").read_text().split(":")
                run("mknod", self.parts[-1], "b", major, minor.strip())
                self.addCleanup(os.unlink, self.parts[-1])

    def loop(self, below, *words: str) -> str:
        node = run("losetup", "-f", "--show", *words, str(below)).strip()
        self.addCleanup(subprocess.run, ["losetup", "-d", node], check=False)
        return node

    def mount(self, node: str, name: str) -> pathlib.Path:
        run("mkfs.ext4", "-q", "-F", "-b", "1024", node)
        top = self.folder / name
        top.mkdir()
        run("mount", "-t", "ext4", node, str(top))
        self.addCleanup(subprocess.run, ["umount", str(top)], check=False)
        return top

    def place_of(self, name: str) -> int:
        """Where the disk really has the content."""
        self.assertEqual(self.image.read_bytes().count(content(name)), 1)
        return self.image.read_bytes().index(content(name))

    def locate(self, *words) -> list[dict]:
        told = subprocess.run([PROGRAMS / "pmendctl", "locate", "--offline", "--json", *map(str, words)], check=False,
                              capture_output=True, text=True, timeout=100)
        self.assertEqual(told.returncode, 0, told.stderr)
        return json.loads(told.stdout)["owners"]

    def test_a_loop_over_a_partition(self) -> None:
        files = self.mount(self.loop(self.parts[1], "-o", str(MIB)), "files")
        (files / "a").write_bytes(content("a"))
        run("sync", "-f", str(files))
        place = self.place_of("a")
        for at in (0, 1536, 3584):
            owners = self.locate(self.disk, place + at, 512)
            self.assertEqual([[path["text"] for path in owner["paths"]] for owner in owners], [[str(files / "a")]])
            self.assertEqual((owners[0]["file_offset"], owners[0]["device_offset"]), (at, place + at))
            self.assertIn("by way of loop", owners[0]["detail"])
        across = self.locate(self.disk, place - 512, 512) + self.locate(self.disk, place + 4096, 512)
        self.assertNotIn(str(files / "a"), json.dumps(across), "its neighbours are not its own")
        self.assertIn(f"which is {self.disk} {place}+4096", self.locate(files / "a")[0]["detail"])

    def test_a_file_system_in_a_file_on_a_partition(self) -> None:
        outer = self.mount(self.parts[0], "outer")
        (outer / "image").write_bytes(bytes(24 * MIB))
        files = self.mount(self.loop(outer / "image", "-o", "65536"), "files")
        (files / "b").write_bytes(content("b"))
        run("sync", "-f", str(files))
        run("sync", "-f", str(outer))
        place = self.place_of("b")
        owners = self.locate(self.disk, place + 1024, 512)
        names = {owner["paths"][0]["text"]: owner for owner in owners}
        self.assertEqual(set(names), {str(outer / "image"), str(files / "b")})
        self.assertEqual(names[str(files / "b")]["file_offset"], 1024)
        self.assertEqual({owner["device_offset"] for owner in owners}, {place + 1024})
        self.assertIn(f"which is {self.disk} {place}+4096", self.locate(files / "b")[0]["detail"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
