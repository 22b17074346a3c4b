"""Workers that are missing, strange or gone, and pmend that goes on."""
import os
import signal
import subprocess
import sys
import time
import unittest

import world


class Strange(world.World):
    """One that is not what it should be is left, and another one started."""

    def strange(self, mode: str, said: str) -> None:
        self.script(observe=mode)
        self.start()
        self.says(said)
        self.until(lambda: len(self.starts()) >= 2, "a second worker")
        first, second = self.starts()[:2]
        self.assertGreater(second["at"] - first["at"], 0.9, "without back-off")
        self.script(observe="normal")
        self.until(lambda: self.property("Observing"), "the observer watches")

    def test_another_version(self) -> None:
        self.strange("other_version", "it speaks version 99 of the protocol and pmend version 1: they are not of the same "
                     "build")

    def test_another_role(self) -> None:
        self.strange("other_role", "it says that its role is repair, not observe")

    def test_garbage(self) -> None:
        self.strange("garbage", "the peer sent no valid message")

    def test_an_unknown_key(self) -> None:
        self.strange("unknown_key", "unknown key \"mood\"")

    def test_a_key_twice(self) -> None:
        self.strange("key_twice", "key \"version\" is there twice")

    def test_a_message_that_is_too_long(self) -> None:
        self.strange("too_long", "too long, expected at most 65536 bytes")

    def test_an_answer_that_is_none(self) -> None:
        self.strange("wrong_body", "its answer to watch is none: ")

    def test_one_that_leaves(self) -> None:
        self.strange("leaves", "it exited with status 3")


class Workers(world.World):
    def test_a_missing_worker_is_said_and_tried_again(self) -> None:
        self.start(worker=self.folder / "none")
        self.says("starting it again in 1 s")
        self.says("starting it again in 2 s")
        self.assertIn(f"start {self.folder}/none: No such file", self.log.read_text())
        self.assertEqual((self.property("State"), self.property("Observing")), ("running", False))

    def test_a_missing_socket_is_said_and_tried_again(self) -> None:
        self.start(worker=f"unix:{self.folder}/none")
        self.says("starting it again in 2 s")
        self.assertIn(f"connect to {self.folder}/none", self.log.read_text())

    def test_a_killed_observer_is_replaced_and_everything_found_anew(self) -> None:
        self.script(bad=[[8192, 512]], lost=512, repair="normal")
        self.write_policy({"rules": [{"name": "ask", "then": {"action": "hold"}}]})
        self.start()
        self.until(lambda: [i["state"] for i in self.incidents()] == ["held"], "held")
        os.kill(self.starts()[0]["pid"], signal.SIGKILL)
        self.says("it was ended by signal 9")
        self.until(lambda: len(self.requests("watch")) == 2 and self.property("Observing"), "watched again")
        self.until(lambda: [i["state"] for i in self.incidents()] == ["held"], "held again")

    def test_repairs_wait_for_what_is_locked(self) -> None:
        self.script(bad=[[8192, 512]], repair="other_version")
        self.start()
        self.says("Nothing is repaired yet")
        self.until(lambda: [i["state"] for i in self.incidents()] == ["queued"], "queued")
        self.assertEqual(self.requests("repair"), [])
        self.script(bad=[[8192, 512]])
        self.until(lambda: [i["state"] for i in self.incidents()] == ["repaired"], "repaired")

    def test_a_worker_that_does_not_end_is_killed(self) -> None:
        self.script(observe="deaf")
        pmend = self.start()
        self.until(self.starts, "a worker")
        pid = self.starts()[0]["pid"]
        pmend.send_signal(signal.SIGTERM)
        self.assertEqual(self.ends(pmend)[0], 0)
        self.assertFalse(os.path.exists(f"/proc/{pid}"))

    def test_connected_workers_do_the_same(self) -> None:
        socket = self.folder / "workers"
        listener = subprocess.Popen(
            [sys.executable, str(world.HERE / "fake_listener.py"), str(socket)],
            env={**os.environ, "PMEND_FAKE_WORKER": str(self.folder / "worker")})
        self.running.append(listener)
        self.until(socket.exists, "the listener")
        self.script(bad=[[8192, 512]])
        self.start(worker=f"unix:{socket}")
        self.until(lambda: [i["state"] for i in self.incidents()] == ["repaired"], "repaired")
        os.kill(self.starts()[0]["pid"], signal.SIGKILL)
        self.until(lambda: len(self.requests("watch")) == 2, "a second worker")


class Idle(world.World):
    def test_it_sleeps_when_nothing_happens(self) -> None:
        pmend = self.start()
        self.until(lambda: self.property("Observing"), "the observer watches")
        self.until(lambda: self.requests("inspect"), "all that a start does")
        time.sleep(0.5)
        before = self.switches(pmend.pid)
        time.sleep(3)
        self.assertEqual(self.switches(pmend.pid) - before, 0)

    @staticmethod
    def switches(pid: int) -> int:
        count = 0
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/status", encoding="ascii") as status:
                count += sum(int(line.split()[1]) for line in status if line.startswith("voluntary_ctxt_switches"))
        return count


if __name__ == "__main__":
    unittest.main()
