"""How pmend starts and ends: what it needs, and what it says where that is not there."""
import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import unittest

import world

TAKEN = 75
CONFIG = 78


class Start(world.World):
    def test_it_is_on_the_bus_and_ends_in_order(self) -> None:
        pmend = self.start()
        self.assertEqual(self.property("State"), "running")
        self.until(lambda: self.property("Observing"), "the observer watches")
        pmend.send_signal(signal.SIGTERM)
        status, said = self.ends(pmend)
        self.assertEqual((status, said.count("Stopping")), (0, 1), said)
        self.assertIsNone(self.property("Version"))
        self.assertNotIn("cannot", said)

    def test_a_second_one_finds_the_state_directory_taken(self) -> None:
        self.start()
        status, said = self.ends(self.start(wait=False))
        self.assertEqual(status, TAKEN, said)
        self.assertIn("is taken by pid", said)

    def test_a_second_one_finds_the_name_taken_and_starts_no_worker(self) -> None:
        self.start()
        self.until(lambda: self.starts() and self.starts("repair"), "both workers of the first one")
        (self.folder / "state2").mkdir()
        status, said = self.ends(self.start(wait=False, **{"state-dir": self.folder / "state2"}))
        self.assertEqual(status, TAKEN, said)
        self.assertIn("another pmend has the name", said)
        self.assertEqual((len(self.starts()), len(self.starts("repair"))), (1, 1))

    def test_no_bus_is_said(self) -> None:
        status, said = self.ends(self.start(wait=False, bus=f"unix:path={self.folder}/none"))
        self.assertEqual((status, said.count("\n")), (TAKEN, 1), said)
        self.assertIn("bus unix:path=", said)

    def test_a_bus_that_gives_nobody_the_name_is_said(self) -> None:
        self.start_bus("closed", own="deny")
        status, said = self.ends(self.start(wait=False, bus=f"unix:path={self.folder}/closed"))
        self.assertEqual((status, said.count("\n")), (CONFIG, 1), said)
        self.assertIn("claim the bus name org.pmend1", said)
        self.assertEqual(self.starts(), [])

    def test_bad_files_are_told_all_at_once(self) -> None:
        (self.folder / "pmend.json").write_text('{ "auto": 7 }')
        self.write_policy('{ "rules": [ { "name": "x", "then": { "action": "destroy" } } ], "limit": {} }')
        status, said = self.ends(self.start(wait=False))
        self.assertEqual(status, CONFIG, said)
        for place in ("pmend.json:1:11: /auto: ", "10-test.json:1:49: /rules/0/then/action: ", "/limit"):
            self.assertIn(place, said)
        self.assertFalse((self.folder / "state" / "ledger.db").exists())

    def test_a_named_configuration_must_be_there(self) -> None:
        (self.folder / "pmend.json").unlink()
        self.assertEqual(self.ends(self.start(wait=False))[0], CONFIG)

    def test_check_config_starts_nothing(self) -> None:
        command = [world.PMEND, *self.arguments(), "--check-config"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("1 rules from 1 files", done.stdout)
        self.write_policy("{")
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
        self.assertEqual(done.returncode, CONFIG)
        self.assertIn("10-test.json:1:2", done.stderr)
        self.assertEqual(list((self.folder / "state").iterdir()), [])

    def test_a_ledger_from_the_future_is_left_alone(self) -> None:
        self.ends_after_a_run()
        path = self.folder / "state" / "ledger.db"
        with contextlib.closing(sqlite3.connect(path)) as ledger:
            ledger.execute("PRAGMA user_version = 99")
        before = path.read_bytes()
        status, said = self.ends(self.start(wait=False))
        self.assertEqual(status, CONFIG, said)
        self.assertIn("99", said)
        self.assertEqual(path.read_bytes(), before)

    def test_what_is_no_ledger_is_left_alone(self) -> None:
        path = self.folder / "state" / "ledger.db"
        path.write_text("notes\n" * 1000)
        status, said = self.ends(self.start(wait=False))
        self.assertEqual((status, path.read_text()), (CONFIG, "notes\n" * 1000), said)

    def test_a_missing_state_directory_is_said(self) -> None:
        status, said = self.ends(self.start(wait=False, **{"state-dir": self.folder / "none"}))
        self.assertEqual(status, CONFIG, said)
        self.assertIn(f"{self.folder}/none", said)

    def test_the_flight_recorder_is_written_when_asked_for(self) -> None:
        logs = self.folder / "logs"
        logs.mkdir()
        pmend = self.start(environment={"LOGS_DIRECTORY": str(logs)})
        pmend.send_signal(signal.SIGUSR1)
        self.says("The flight recorder is in")
        (dump,) = logs.iterdir()
        lines = [json.loads(line) for line in dump.read_text().splitlines()]
        self.assertIn("loaded", [line.get("input") for line in lines])
        self.assertEqual(os.stat(dump).st_mode & 0o777, 0o600)

    def ends_after_a_run(self) -> None:
        pmend = self.start()
        pmend.send_signal(signal.SIGTERM)
        self.assertEqual(self.ends(pmend)[0], 0)


if __name__ == "__main__":
    unittest.main()
