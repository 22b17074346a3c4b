"""The whole chain over the bus, with a worker that plays the world."""
import json
import os
import signal
import unittest

import world

HOLD = {"rules": [{"name": "ask", "then": {"action": "hold"}}]}


@unittest.skipIf(os.getuid() != 0, "needs root: only root may steer pmend")
class Chain(world.World):
    def held(self) -> dict:
        self.until(lambda: [i["state"] for i in self.incidents()] == ["held"], "held")
        return self.incidents()[0]

    def ends_repaired(self) -> None:
        self.until(lambda: [i["state"] for i in self.incidents()] == ["repaired"], "repaired")

    def test_bad_bytes_are_repaired_by_rule(self) -> None:
        self.script(bad=[[8192, 512]])
        self.start()
        self.ends_repaired()
        self.until(lambda: self.requests("release"), "the spool is released")
        self.assertEqual([len(self.requests(verb)) for verb in ("inspect", "repair", "proceed", "release")], [1] * 4)
        incident = self.incidents()[0]
        report = self.call("GetReport", "t", str(incident["id"]))
        self.assertTrue(all(report["proof"].values()), report)
        self.assertEqual([device["device"] for device in self.call("ListDevices")], ["/dev/fake0"])

    def test_the_file_is_named_though_no_rule_asks_for_its_name(self) -> None:
        self.script(bad=[[8192, 512]])
        self.start()
        self.ends_repaired()
        (owner,) = self.incidents()[0]["owners"]
        self.assertEqual([bytes(path) for path in owner["paths"]], [b"/srv/a", b"/srv/b"])
        self.assertTrue(owner["all_names"])

    def test_a_rule_that_needs_no_name_repairs_without_one(self) -> None:
        self.script(bad=[[8192, 512]], nameless=True)
        self.start()
        self.ends_repaired()
        self.assertEqual(self.incidents()[0]["owners"][0]["paths"], [])

    def test_a_held_one_waits_for_its_approval_over_a_restart(self) -> None:
        self.script(bad=[[8192, 512]], lost=512)
        self.write_policy(HOLD)
        pmend = self.start()
        incident = self.held()
        stale = self.try_call("Approve", "ts", str(incident["id"]), "a" * 64)
        self.assertIn("plan", stale.stderr)
        rules = self.call("Explain", "t", str(incident["id"]))
        self.assertEqual([(rule["rule"], rule["decides"]) for rule in rules], [("ask", True)])
        pmend.send_signal(signal.SIGKILL)
        pmend.wait()
        self.start()
        again = self.held()
        self.assertEqual((again["id"], again["plan"]["hash"]), (incident["id"], incident["plan"]["hash"]))
        self.assertEqual(self.requests("repair"), [])
        self.call("Approve", "ts", str(again["id"]), again["plan"]["hash"])
        self.ends_repaired()
        self.assertIn("uid 0", self.call("GetReport", "t", str(again["id"]))["approval"]["who"])

    def test_paused_means_nothing_is_repaired(self) -> None:
        self.start()
        self.until(lambda: self.property("Observing"), "the observer watches")
        self.call("Pause")
        self.until(lambda: self.property("State") == "paused", "paused")
        self.script(bad=[[8192, 512]])
        os.kill(self.starts()[0]["pid"], signal.SIGKILL)
        self.until(lambda: [i["state"] for i in self.incidents()] == ["queued"], "queued")
        self.assertEqual(self.requests("repair"), [])
        self.call("Resume")
        self.ends_repaired()

    def test_the_observer_is_asked_where_a_range_lies(self) -> None:
        self.start()
        self.until(lambda: self.property("Observing"), "the observer watches")
        located = self.call("Locate", "stt", "/dev/fake0", "4096", "512")
        self.assertEqual(located["owners"][0]["inode"], 131)
        self.assertEqual(self.requests("locate")[0]["where"]["device"], "/dev/fake0")

    def test_a_rescan_asks_for_the_lists(self) -> None:
        self.start()
        self.until(lambda: self.property("Observing"), "the observer watches")
        self.call("Rescan", "s", "")
        self.until(lambda: len(self.requests("list")) == 1, "the list")
        self.call("Rescan", "s", "/dev/fake0")
        self.until(lambda: len(self.requests("list")) == 2, "the list")
        self.assertIn("is not watched", self.try_call("Rescan", "s", "/dev/none").stderr)


@unittest.skipIf(os.getuid() != 0, "needs root: only root may steer pmend")
class Scrub(world.World):
    def started(self) -> None:
        self.start()
        self.until(lambda: self.call("ListDevices"), "the device")
        self.call("Scrub", "s", "/dev/fake0")
        self.until(lambda: self.scrub()["done"] == 1 << 29, "half of it")

    def scrub(self) -> dict:
        return self.call("GetScrub", "s", "/dev/fake0")

    def ended(self) -> dict:
        self.until(lambda: self.scrub()["state"] != "running", "its end")
        return self.scrub()

    def test_how_far_it_is_and_what_it_found_is_told(self) -> None:
        self.script(bad=[[8192, 512]])
        self.write_policy(HOLD)
        self.started()
        self.assertEqual(self.scrub(), {"device": "/dev/fake0", "state": "running", "size": 1 << 30, "done": 1 << 29,
                                        "reason": ""})
        self.call("Rescan", "s", "/dev/fake0")
        ended = self.ended()
        self.assertEqual((ended["state"], ended["done"], ended["source"]), ("done", 1 << 30, "list"))
        self.assertEqual(ended["unreadable"], {"bytes": 512, "ranges": [{"offset": 8192, "length": 512}]})
        self.assertEqual(self.requests("scrub"), [{"device": "/dev/fake0"}])

    def test_it_is_cancelled(self) -> None:
        self.started()
        self.call("CancelScrub", "s", "/dev/fake0")
        self.assertEqual(self.ended()["state"], "cancelled")
        self.assertIn("no scrub of /dev/fake0 is under way", self.try_call("CancelScrub", "s", "/dev/fake0").stderr)

    def test_the_end_of_the_worker_is_its_end(self) -> None:
        self.started()
        os.kill(self.starts()[0]["pid"], signal.SIGKILL)
        ended = self.ended()
        self.assertEqual(ended["state"], "failed")
        self.assertIn("the observing worker is gone", ended["reason"])
        self.until(lambda: self.property("Observing") and self.call("ListDevices"), "another worker")
        self.call("Scrub", "s", "/dev/fake0")

    def test_scrubs_that_cannot_be_are_said(self) -> None:
        self.started()
        for method, device, said in (("Scrub", "/dev/fake0", "under way"), ("Scrub", "/dev/none", "is not watched"),
                                     ("CancelScrub", "/dev/none", "is not watched"), ("GetScrub", "", "no scrub of")):
            self.assertIn(said, self.try_call(method, "s", device).stderr)


@unittest.skipIf(os.getuid() != 0, "needs root: only root may steer pmend")
class Reload(world.World):
    def test_a_bad_policy_leaves_the_running_one(self) -> None:
        pmend = self.start()
        running = self.property("PolicyHash")
        self.write_policy("{ \"rules\": 7 }")
        pmend.send_signal(signal.SIGHUP)
        self.until(lambda: self.property("PolicyProblems"), "the problem is told")
        self.assertIn("10-test.json:1:12: /rules", self.property("PolicyProblems")[0])
        self.assertEqual(self.property("PolicyHash"), running)
        self.assertIn("Not in force: ", self.log.read_text())
        self.write_policy(HOLD)
        self.assertEqual(self.call("ReloadPolicy"), [])
        self.until(lambda: self.property("PolicyHash") != running, "the new policy")
        self.assertEqual(self.property("PolicyProblems"), [])

    def test_a_bad_configuration_leaves_the_running_one(self) -> None:
        pmend = self.start()
        self.until(lambda: self.property("Observing"), "the observer watches")
        (self.folder / "pmend.json").write_text('{"auto": false, "auto": true}')
        pmend.send_signal(signal.SIGHUP)
        self.says('pmend.json:1:17: key "auto" is there twice')
        self.assertEqual(self.property("State"), "running")
        self.assertEqual(len(self.requests("watch")), 1)

    def test_a_good_one_decides_anew(self) -> None:
        self.script(bad=[[8192, 512]])
        self.write_policy(HOLD)
        pmend = self.start()
        self.until(lambda: [i["state"] for i in self.incidents()] == ["held"], "held")
        self.write_policy({"rules": [{"name": "all", "then": {"action": "repair"}}]})
        pmend.send_signal(signal.SIGHUP)
        self.until(lambda: [i["state"] for i in self.incidents()] == ["repaired"], "repaired")

    def test_another_list_of_devices_is_watched(self) -> None:
        pmend = self.start()
        self.until(lambda: len(self.requests("watch")) == 1, "watched")
        devices = [{"device": "/dev/loop7", "badblocks": "/tmp/list", "interval": 5}]
        (self.folder / "pmend.json").write_text(json.dumps({"auto": False, "devices": devices}))
        pmend.send_signal(signal.SIGHUP)
        self.until(lambda: len(self.requests("watch")) == 2, "watched anew")
        watch = self.requests("watch")[1]
        self.assertEqual((watch["all_devices"], watch["devices"][0]["device"]), (False, "/dev/loop7"))


if __name__ == "__main__":
    unittest.main()
