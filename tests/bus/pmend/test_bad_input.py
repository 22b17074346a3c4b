"""Bad input through the real programs: each is said clearly, and nothing is lost by it."""
import json
import os
import pathlib
import shutil
import subprocess
import unittest

import world

PROGRAMS = pathlib.Path(world.PMEND).parent
CONFIG = 78
TAKEN = 75

# The text of a file, and what is said of it behind the file's name.
BAD_CONFIGURATIONS = [
    ("", ":1:1: "),
    ("{", ":1:2: "),
    ('{"auto": true,}', ":1:15: "),
    ("{} {}", ":1:4: "),
    ('{"auto": "\xff"}', ":1:11: "),
    ("[]", ":1:1: got an array, expected an object"),
    ('{\n "auto": true,\n "auto": false}', ':3:2: key "auto" is there twice'),
    ('{"device": []}', ':1:12: /device: unknown key "device", did you mean "devices"?'),
    ('{"auto": 7}', ":1:10: /auto: got 7, expected true or false"),
    ('{"devices": [{"device": "/dev/a", "badblocks": "/b", "interval": -1}]}', "/devices/0/interval: got -1, expected"),
    ('{"devices": [{"device": "/dev/a", "badblocks": "/b", "interval": 1e99}]}', "/devices/0/interval: "),
    ('{"devices": [{"device": "loop3", "badblocks": "/b"}]}', '/devices/0/device: got "loop3", expected an absolute'),
]
BAD_POLICIES = [
    ("", ":1:1: "),
    ('{"rules": [}', ":1:12: "),
    ('{"rules": [], "rules": []}', ':1:15: key "rules" is there twice'),
    ('{"rulez": []}', ':1:11: /rulez: unknown key "rulez", did you mean "rules"?'),
    ('{"rules": {}}', ":1:11: /rules: got an object, expected an array"),
    ('{"rules": [{"name": "a", "when": {"bytes_lost": {"max": -1}}, "then": {"action": "hold"}}]}',
     ":1:57: /rules/0/when/bytes_lost/max: "),
    ('{"rules": [{"name": "a", "then": {"action": "repair", "methods": ["zap"]}}]}',
     ":1:67: /rules/0/then/methods/0: "),
    ('{"rules": [], "limits": {"repairs_per_hour": 99999999999999999999}}', ":1:46: /limits/repairs_per_hour: "),
]


class Files(world.World):
    def refused(self, path: pathlib.Path, text: str, said: str) -> None:
        before = path.read_bytes()
        path.write_bytes(text.encode("latin-1"))
        with self.subTest(file=path.name, text=text):
            status, heard = self.ends(self.start(wait=False))
            self.assertEqual(status, CONFIG, heard)
            self.assertIn(path.name + said if said[0] == ":" else said, heard)
            self.assertEqual(heard.count("\n"), 1, heard)
            self.assertEqual(list((self.folder / "state").iterdir()), [])
        path.write_bytes(before)

    def test_each_mistake_in_the_configuration_is_said_with_its_place(self) -> None:
        for text, said in BAD_CONFIGURATIONS:
            self.refused(self.folder / "pmend.json", text, said)

    def test_each_mistake_in_the_policy_is_said_with_its_place(self) -> None:
        for text, said in BAD_POLICIES:
            self.refused(self.folder / "policy" / "10-test.json", text, said)

    def test_what_is_no_file_is_said(self) -> None:
        for name in ("pmend.json", "policy/10-test.json"):
            path = self.folder / name
            path.unlink()
            path.mkdir()
            status, heard = self.ends(self.start(wait=False))
            self.assertEqual((status, heard.count("\n")), (CONFIG, 1), heard)
            self.assertIn(f"{path}: is a directory, expected a file", heard)
            path.rmdir()
            path.write_text("{}")

    def test_a_policy_directory_that_is_missing_is_said(self) -> None:
        status, heard = self.ends(self.start(wait=False, **{"policy-dir": self.folder / "none"}))
        self.assertEqual(status, CONFIG, heard)
        self.assertIn(f"{self.folder}/none: directory cannot be read: No such file or directory", heard)

    def test_a_state_directory_that_is_a_file_is_said(self) -> None:
        status, heard = self.ends(self.start(wait=False, **{"state-dir": self.folder / "pmend.json"}))
        self.assertEqual((status, heard.count("\n")), (CONFIG, 1), heard)
        self.assertIn("Not a directory", heard)
        self.assertEqual((self.folder / "pmend.json").read_text(), "{}")

    def test_a_worker_that_cannot_be_one_is_said(self) -> None:
        text = self.folder / "text"
        text.write_text("hello")
        text.chmod(0o755)
        for number, (worker, said) in enumerate([
                (self.folder / "pmend.json", "start {}: Permission denied"), (self.folder, "start {}: Is a directory"),
                (text, "it is no program that can be run here"),
                (f"unix:{self.folder}/pmend.json", "connect to {}: Connection refused"),
                (f"unix:{self.folder}/{'x' * 200}", "does not fit into an address")]):
            with self.subTest(worker=worker):
                (self.folder / "state" / str(number)).mkdir()
                pmend = self.start(worker=worker, **{"state-dir": self.folder / "state" / str(number)})
                self.says("starting it again in 1 s")
                self.assertIn(said.format(str(worker).removeprefix("unix:")), self.log.read_text())
                self.assertEqual(self.property("Observing"), False)
                pmend.terminate()
                self.assertEqual(self.ends(pmend)[0], 0)


def loop_device(image: pathlib.Path) -> str | None:
    made = subprocess.run(["losetup", "-f", "--show", str(image)], capture_output=True, text=True, check=False)
    return made.stdout.strip() if made.returncode == 0 else None


@unittest.skipIf(os.getuid() != 0 or not shutil.which("losetup"), "needs root: makes a loop device")
class Devices(world.World):
    """A real pmend-worker beside pmend, and one real device with a list file."""
    SECTORS = 8192

    def setUp(self) -> None:
        super().setUp()
        image = self.folder / "image"
        with image.open("wb") as file:
            file.truncate(self.SECTORS * 512)
        self.device = loop_device(image)
        if self.device is None:
            self.skipTest("no loop device can be made here")
        self.addCleanup(subprocess.run, ["losetup", "-d", self.device], check=False)
        self.list = self.folder / "list"
        self.list.write_text("8 1\n")
        self.write_policy({"rules": [{"name": "ask", "then": {"action": "hold"}}]})
        self.configure()

    def configure(self, *others: str) -> None:
        devices = [{"device": node, "badblocks": str(self.list), "interval": 1} for node in (self.device, *others)]
        (self.folder / "pmend.json").write_text(json.dumps({"auto": False, "devices": devices}))

    def start_both(self) -> subprocess.Popen:
        return self.start(worker=PROGRAMS / "pmend-worker")

    def offsets(self) -> list[int]:
        return [incident["offset"] for incident in self.incidents() if incident["state"] != "cleared"]

    def ctl(self, *words: str) -> tuple[int, str]:
        done = subprocess.run([PROGRAMS / "pmendctl", "--bus", self.address, *words], capture_output=True, text=True,
                              timeout=world.LIMIT, check=False)
        return done.returncode, done.stdout + done.stderr

    def test_devices_that_are_none_are_said_and_the_others_are_watched(self) -> None:
        none = f"{self.folder}/none"
        self.configure(none, "/dev/null", str(self.list))
        self.start_both()
        for said in (f"Not watched: {none}: No such file or directory (it will be watched once it is",
                     "Not watched: /dev/null is not a block device", f"Not watched: {self.list} is not a block device"):
            self.says(said)
        self.until(lambda: self.offsets() == [4096], "the bad sector of the good device")
        self.assertEqual([device["device"] for device in self.call("ListDevices")], [self.device])

    def test_a_list_that_is_none_is_said_and_takes_nothing_away(self) -> None:
        self.start_both()
        self.until(lambda: self.offsets() == [4096], "the first list")
        for number, (text, said) in enumerate([
                ("8 1\nhello\n", "line 2: expected 'FIRST COUNT', got 'hello'"),
                ("8 1 1\n", "line 1: '1 1' "), ("-8 1\n", "line 1: '-8' "), ("8 -1\n", "line 1: '-1' "),
                ("8 0\n", "line 1: an entry of 0 sectors"),
                ("8 1\n99999999999999999999 1\n", "line 2: number '99999999999999999999' is too large"),
                ("9223372036854775807 9\n", "line 1: "), ("\x00\x01\xff\n", "line 1: "),
                ("8191 2\n", "sectors 8191 to 8192 are not on the device, which has 8192")]):
            with self.subTest(text=text):
                self.list.write_bytes(text.encode("latin-1"))
                self.says(said)
                self.assertIn(f"list: {self.list}: ", self.log.read_text())
                good = 16 + 16 * number
                self.list.write_text(f"8 1\n{good} 1\n")
                self.until(lambda offset=good * 512: self.offsets() == [4096, offset], "the mended list")

    def test_a_list_that_cannot_be_read_is_said_and_takes_nothing_away(self) -> None:
        self.start_both()
        self.until(lambda: self.offsets() == [4096], "the first list")
        self.list.unlink()
        self.says(f"{self.list}: No such file or directory")
        self.list.mkdir()
        self.says(f"{self.list}: Is a directory")
        self.assertEqual(self.offsets(), [4096])
        self.list.rmdir()
        self.list.write_text("8 1\n16 1\n")
        self.until(lambda: self.offsets() == [4096, 8192], "the new list")

    def test_a_list_without_its_last_newline_is_not_believed_to_its_end(self) -> None:
        self.start_both()
        self.until(lambda: self.offsets() == [4096], "the first list")
        self.list.write_text("16 1\n4096")
        self.until(lambda: self.offsets() == [4096, 8192], "what is whole in it")

    def test_another_configuration_reaches_the_worker_that_runs(self) -> None:
        pmend = self.start_both()
        self.until(lambda: self.offsets() == [4096], "the first list")
        self.list = self.folder / "other"
        self.list.write_text("8 1\n24 1\n")
        self.configure()
        pmend.send_signal(1)
        self.until(lambda: self.offsets() == [4096, 12288], "the other list")

    def test_locate_says_what_it_cannot_find(self) -> None:
        self.start_both()
        self.until(lambda: self.property("Observing"), "the observer watches")
        for words, status, said in (
                (["/dev/none", "0", "512"], 3, "/dev/none: No such file or directory"),
                (["/dev/null", "0", "512"], 1, "/dev/null is not a block device"),
                ([self.device, "4193792", "1024"], 1, f"4193792+1024 reaches beyond the end of {self.device}, which"),
                ([self.device, "9223372036854775807", "1"], 64, "OFFSET LENGTH: "),
                ([self.device, "-1", "512"], 64, "OFFSET: "), ([self.device, "0", "0"], 64, "LENGTH: "),
                ([str(self.folder / "none")], 3, "No such file or directory"),
                ([self.device], 1, "is a block device: name an offset and a length in it too"),
                (["/proc/version"], 1, "/proc/version lies on no block device")):
            with self.subTest(words=words):
                got, heard = self.ctl("locate", *words)
                self.assertEqual((got, heard.count("\n")), (status, 1), heard)
                self.assertIn(said, heard)

    def test_a_spool_that_cannot_be_made_is_said(self) -> None:
        (self.folder / "file").write_text("")
        pmend = self.start(worker=PROGRAMS / "pmend-worker", **{"spool-dir": self.folder / "file" / "spool"})
        self.says(f"pmend-worker: make {self.folder}/file/spool: Not a directory")
        self.says("it exited with status 69")
        self.assertEqual(self.property("Observing"), False)
        pmend.terminate()
        self.assertEqual(self.ends(pmend)[0], 0)

    def test_a_socket_that_another_worker_has_is_left_to_it(self) -> None:
        worker = [PROGRAMS / "pmend-worker", "--listen", self.folder / "workers",
                  "--config", self.folder / "pmend.json", "--spool-dir", self.folder / "spool",
                  "--runtime-dir", self.folder / "run"]
        first = subprocess.Popen(worker)
        self.running.append(first)
        self.until((self.folder / "workers").exists, "the first worker listens")
        second = subprocess.run(worker, capture_output=True, text=True, timeout=world.LIMIT, check=False)
        self.assertEqual((second.returncode, second.stderr.count("\n")), (1, 1), second)
        self.assertIn("Address already in use", second.stderr)
        self.start(worker=f"unix:{self.folder}/workers")
        self.until(lambda: self.offsets() == [4096], "the first worker still serves")


if __name__ == "__main__":
    unittest.main()
