"""pmend as a service: what it tells the service manager, and what it does when the ground goes."""
import os
import shutil
import signal
import socket
import subprocess
import unittest

import world


class Service(world.World):
    def setUp(self) -> None:
        super().setUp()
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.manager.close)
        self.manager.bind(str(self.folder / "notify"))
        self.manager.settimeout(world.LIMIT)

    def start_service(self, **environment: str) -> subprocess.Popen:
        return self.start(environment={"NOTIFY_SOCKET": str(self.folder / "notify"), **environment})

    def hear(self, line: str) -> list[str]:
        """All that is told up to and with this line."""
        heard: list[str] = []
        while line not in heard:
            heard += self.manager.recv(4096).decode().splitlines()
        return heard

    def test_it_tells_how_it_is(self) -> None:
        self.script(bad=[[8192, 512]], lost=512)
        self.write_policy({"rules": [{"name": "ask", "then": {"action": "hold"}}]})
        pmend = self.start_service()
        self.hear("READY=1")
        self.hear("STATUS=1 open incidents, 0 being repaired")
        pmend.send_signal(signal.SIGHUP)
        reload = self.hear("RELOADING=1")
        self.assertTrue([line for line in reload + self.hear("READY=1") if line.startswith("MONOTONIC_USEC=")])
        pmend.send_signal(signal.SIGTERM)
        self.hear("STOPPING=1")
        self.assertEqual(self.ends(pmend)[0], 0)

    def test_the_watchdog_hears_of_it(self) -> None:
        self.start_service(WATCHDOG_USEC="400000")
        for _ in range(3):
            self.hear("WATCHDOG=1")

    def test_without_a_bus_it_ends_to_be_started_again(self) -> None:
        pmend = self.start()
        self.until(lambda: self.property("Observing"), "the observer watches")
        pid = self.starts()[0]["pid"]
        self.bus.kill()
        status, said = self.ends(pmend)
        self.assertEqual((status, said.count("the bus is lost")), (75, 1), said)
        self.assertFalse(os.path.exists(f"/proc/{pid}"))


@unittest.skipIf(os.getuid() != 0 or not shutil.which("mount"), "needs root: mounts a small disk")
class Disk(world.World):
    def small_state(self, *options: str) -> None:
        state = str(self.folder / "state")
        subprocess.run(["mount", "-t", "tmpfs", "-o", ",".join(["size=1m", *options]), "pmend-test", state], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", state], check=False)

    def test_a_full_disk_makes_it_read_only(self) -> None:
        self.small_state()
        pmend = self.start()
        self.until(lambda: self.property("Observing"), "the observer watches")
        self.script(bad=[[8192, 512]])
        with (self.folder / "state" / "filler").open("wb", buffering=0) as filler, self.assertRaises(OSError):
            while True:
                filler.write(bytes(512))
        os.kill(self.starts()[0]["pid"], signal.SIGKILL)
        self.until(lambda: self.property("State") == "read-only", "read-only")
        self.assertIn("the ledger cannot be written", self.property("StateReason"))
        self.assertEqual(self.requests("repair"), [])
        pmend.send_signal(signal.SIGTERM)
        self.assertEqual(self.ends(pmend)[0], 0)
        (self.folder / "state" / "filler").unlink()
        self.start()
        self.until(lambda: [i["state"] for i in self.incidents()] == ["repaired"], "repaired")

    def test_a_disk_that_is_full_from_the_start_is_said(self) -> None:
        self.small_state("size=8k")
        status, said = self.ends(self.start(wait=False))
        self.assertEqual((status, said.count("\n")), (78, 1), said)
        self.assertRegex(said, "disk is full|No space left on device")
        self.assertEqual(self.starts(), [])

    def test_a_read_only_disk_is_said(self) -> None:
        self.small_state("ro")
        status, said = self.ends(self.start(wait=False))
        self.assertEqual((status, said.count("\n")), (78, 1), said)
        self.assertIn("Read-only file system", said)


if __name__ == "__main__":
    unittest.main()
