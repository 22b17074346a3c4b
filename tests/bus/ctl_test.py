#!/usr/bin/env python3
"""ctl_test.py CTL FAKE_PMEND SOURCE_DIR TEST_CLASS: pmendctl as people and scripts run it."""
import json
import os
import pathlib
import subprocess
import sys
import unittest
import xml.etree.ElementTree as ElementTree

import json_schema
import world
from world import NOBODY, PLAN_HASH, World, line_from

CTL, FAKE, SOURCE = (pathlib.Path(word).resolve() for word in sys.argv[1:4])
BUS_POLICY = SOURCE / "dbus" / "org.pmend1.conf"
SCHEMA = json_schema.Checker(SOURCE / "config" / "schema")

# What everybody may call; everything else is for root.
READ_METHODS = {"Status", "ListDevices", "ListIncidents", "GetIncident", "GetReport", "Explain", "GetScrub"}


class OnBus(unittest.TestCase):
    policy: pathlib.Path | None = BUS_POLICY

    def setUp(self):
        self.world = World(CTL, FAKE, self.policy)
        self.addCleanup(self.world.close)

    def check_schema(self, verb, value):
        self.assertEqual(SCHEMA.problems(f"ctl-{verb}.schema.json", value), [])

    def check(self, ended, status, out=None, err=None):
        self.assertEqual(ended.status, status, ended)
        self.assertIn(out or "", ended.out)
        self.assertIn(err or "", ended.err)
        if out is None:
            self.assertEqual(ended.out, "")
        if err is None:
            self.assertEqual(ended.err, "")
        return ended


class Reading(OnBus):
    def test_json_follows_the_schema_of_each_verb(self):
        words = {
            "status": ["status"], "devices": ["devices"], "list": ["list", "--all"], "show": ["show", "7"],
            "report": ["report", "8"], "locate": ["locate", "/dev/pmem0", "1050112", "512"], "explain": ["explain", "7"],
        }
        for verb, arguments in words.items():
            with self.subTest(verb=verb):
                ended = self.check(self.world.run("--json", *arguments), 0, out='"version":1')
                self.assertEqual(ended.out.count("\n"), 1)
                self.check_schema(verb, ended.json())

    def test_nothing_yet_is_null_and_not_left_out(self):
        incident = self.world.run("--json", "show", "9").json()["incident"]
        self.check_schema("show", {"version": 1, "incident": incident})
        self.assertEqual([incident[key] for key in ("plan", "decision", "job", "outcome")], [None] * 4)
        report = self.world.run("--json", "report", "9").json()
        self.check_schema("report", report)
        self.assertIsNone(report["proof"])

    def test_names_keep_their_bytes(self):
        owner = self.world.run("--json", "show", "7").json()["incident"]["owners"][0]
        self.assertEqual(owner["paths"], [{"text": "/srv/a"}, {"text": "/srv/b\\xff", "bytes_base64": "L3Nydi9i/w=="}])

    def test_list_shows_what_is_open_unless_asked_for_more(self):
        def ids(*words):
            return [incident["id"] for incident in self.world.run("--json", "list", *words).json()["incidents"]]
        self.assertEqual(ids(), [7, 9, 10])
        self.assertEqual(ids("--all"), [7, 8, 9, 10])
        self.assertEqual(ids("--state", "repaired"), [8])
        self.check(self.world.run("list", "--state", "stuck"), 0, err="No incidents.")

    def test_text_is_for_people(self):
        self.check(self.world.run(), 0, out="pmend 0.1.0 is running\n1 device watched, 3 open incidents\n  1 held\n")
        devices = self.check(self.world.run("devices"), 0, out="/dev/pmem0").out
        self.assertRegex(devices, r"DEVICE +SIZE +BLOCK +UNIT +FAST ZERO +BAD ")
        self.assertRegex(devices, r"/dev/pmem0 +1073741824 +512/4096 +4096 +4194304 +512 ")
        listed = self.check(self.world.run("list"), 0, out="ID  STATE")
        self.assertEqual(len(listed.out.splitlines()), 4)
        self.check(self.world.run("show", "7"), 0, out="would be lost")
        self.check(self.world.run("report", "8"), 0, out="Lost: 512 bytes\n  /srv/a, /srv/b\\xff: bytes 42496 to 43007")
        self.check(self.world.run("locate", "/dev/pmem0", "0", "4096"), 0, out="bad: 1050112+512 of the device")
        self.check(self.world.run("explain", "7"), 0, out='"postgres-asks" (10-database.json:4:5) decides: hold')

    def test_hostile_names_do_not_reach_the_terminal(self):
        for words in (["list"], ["show", "10"], ["report", "10"], ["explain", "10"]):
            out = self.world.run(*words).out
            self.assertNotRegex(out, "[\x00-\x09\x0b-\x1f\x7f\u202e]")
        self.assertIn("/mnt/\\x1b[2J\\x0a\\xe2\\x80\\xae.txt", self.world.run("show", "10").out)

    def test_other_report_formats(self):
        self.check(self.world.run("report", "8", "--format", "ranges"), 0,
                   out="42496 512 /srv/a\n42496 512 /srv/b\\xff\n")
        self.check(self.world.run("report", "8", "--format", "ddrescue"), 0, out="0x00100600  0x00000200  -\n")
        self.check_schema("report", self.world.run("report", "8", "--format", "json").json())

    def test_paths_are_bytes_and_may_be_relative(self):
        self.check(self.world.run("locate", b"/srv/b\xff"), 0, out="/dev/pmem0")
        self.check(self.world.run("locate", "../srv/a", cwd="/etc"), 3, err="no such file")
        self.check_schema("locate", self.world.run("--json", "locate", "/srv/a").json())

    def test_many_places_are_asked_for_at_once(self):
        places = b"/dev/pmem0 1050112 512\n# a comment\nwhat\n[1.0] I/O error, dev pmem0, sector 2051 op 0x0:(READ)\n"
        ended = self.check(self.world.run("--json", "locate", "--stdin", given=places), 1, out='"line":1',
                           err="pmendctl: line 3: names no place: 'what'\n")
        objects = [json.loads(line) for line in ended.out.splitlines()]
        self.assertEqual([one["line"] for one in objects], [1, 3, 4])
        for one in objects:
            self.check_schema("locate-stdin", one)
        self.assertEqual((objects[2]["device"], objects[2]["range"]), ("/dev/pmem0", {"offset": 1050112, "length": 512}))
        self.check(self.world.run("locate", "--stdin", given=places[:23]), 0,
                   out="1: /dev/pmem0 1050112+512 bad: /srv/a (and 1 other name), file offset")
        self.check(self.world.run("locate", "--stdin", "/dev/pmem0", given=b"0x100600 0x200 -\n2051 1\n"), 0, out="2: ")
        self.check(self.world.run("locate", "--stdin"), 2, err="no line of the input names a place")

    def test_ten_thousand_places(self):
        places = b"".join(b"/dev/pmem0 1050112 512\n" for _ in range(10000))
        ended = self.check(self.world.run("locate", "--stdin", given=places), 0, out="10000: ")
        self.assertEqual(ended.out.count("\n"), 10000)

    def test_explain_finds_the_incidents_of_a_range_or_a_path(self):
        for words in (["/srv/a"], ["/dev/pmem0", "1050000", "4096"]):
            explained = self.world.run("--json", "explain", *words).json()
            self.check_schema("explain", explained)
            self.assertEqual([one["incident"]["id"] for one in explained["explained"]], [7])
        self.check(self.world.run("explain", "/dev/pmem0", "0", "512"), 2, err="no open incident lies there")

    def test_what_is_not_there_ends_with_3(self):
        for words in (["show", "99"], ["report", "99"], ["explain", "99"], ["dismiss", "99"], ["locate", "/srv/none"]):
            self.check(self.world.run(*words), 3, err="no ")
            self.check(self.world.run("--json", *words), 3, out="" if words[0] != "dismiss" else "failed", err="no ")


class Control(OnBus):
    def state(self, number):
        return self.world.run("--json", "show", str(number)).json()["incident"]["state"]

    def test_approve_by_hash(self):
        ended = self.world.run("--json", "approve", "7", "--plan", PLAN_HASH)
        self.check(ended, 0, out='"done":[7]')
        self.check_schema("approve", ended.json())
        self.assertEqual(self.state(7), "queued")

    def test_a_stale_plan_is_refused(self):
        ended = self.world.run("--json", "approve", "7", "--plan", "0" * 64)
        self.check(ended, 1, out='"failed":[{"id":7', err="the plan has changed")
        self.check_schema("approve", ended.json())
        self.assertEqual(self.state(7), "held")

    def test_without_a_terminal_the_plan_must_be_named(self):
        self.check(self.world.run("approve", "7"), 64, err="--plan HASH is required")
        self.check(self.world.run("approve", "7", "--plan", "abc"), 64, err="'abc' is not the hash of a plan")
        self.assertEqual(self.state(7), "held")

    def test_on_a_terminal_the_plan_is_shown_and_asked_for(self):
        refused = self.world.run_on_terminal("n\n", "approve", "7")
        self.check(refused, 2, err="not approved")
        self.assertIn("512 would be lost", refused.err)
        self.assertEqual(self.state(7), "held")
        self.check(self.world.run_on_terminal("y\n", "approve", "7"), 0, err="[y/N]")
        self.assertEqual(self.state(7), "queued")
        self.check(self.world.run_on_terminal("y\n", "approve", "7"), 2, err="nothing to approve")

    def test_dismiss_and_retry_several(self):
        ended = self.world.run("--json", "dismiss", "7", "99", "9")
        self.check(ended, 3, out='"done":[7,9]', err="incident 99: no incident 99")
        self.check_schema("dismiss", ended.json())
        self.assertEqual([self.state(7), self.state(9)], ["dismissed", "dismissed"])
        ended = self.check(self.world.run("--json", "retry", "7"), 0, out='"done":[7]')
        self.check_schema("retry", ended.json())
        self.assertEqual(self.state(7), "detected")

    def test_pause_and_resume(self):
        self.check(self.world.run("resume"), 2, err="running already")
        ended = self.check(self.world.run("--json", "pause"), 0, out='"paused"')
        self.check_schema("pause", ended.json())
        self.check(self.world.run("pause"), 2, err="paused already")
        self.check(self.world.run("status"), 0, out="is paused")
        self.check_schema("resume", self.check(self.world.run("--json", "resume"), 0, out='"running"').json())

    def test_resume_of_one_device_after_errors_spread(self):
        status = self.check(self.world.run("--json", "status"), 0, out="storms").json()
        self.check_schema("status", status)
        self.assertEqual([(storm["device"], storm["incidents"], storm["limit"]) for storm in status["storms"]],
                         [("/dev/pmem0", 33, 32)])
        self.check(self.world.run("status"), 0, out="Errors spread on /dev/pmem0: 33 new incidents")
        self.check(self.world.run("resume", "/dev/none"), 3, err="no such device")
        ended = self.check(self.world.run("--json", "resume", "/dev/pmem0"), 0, out='"device":"/dev/pmem0"')
        self.check_schema("resume", ended.json())
        self.check(self.world.run("resume", "/dev/pmem0"), 2, err="were not stopped")
        self.assertEqual(self.check(self.world.run("--json", "status"), 0, out="storms").json()["storms"], [])

    def test_show_says_who_has_the_file_open(self):
        incident = self.check(self.world.run("--json", "show", "7"), 0, out="open_by").json()["incident"]
        self.check_schema("show", {"version": 1, "incident": incident})
        openers = [owner["open_by"] for owner in incident["owners"] if owner["kind"] == "file"]
        self.assertEqual(openers[0][0]["unit"], "postgresql.service")
        self.check(self.world.run("show", "7"), 0, out="(pid 4711, postgresql.service), mapped")

    def test_evacuate_list_joins_parts_and_incidents(self):
        ended = self.check(self.world.run("--json", "evacuate-list", "/dev/pmem0"), 0, out="files")
        self.check_schema("evacuate-list", ended.json())
        self.assertEqual([file["incidents"] for file in ended.json()["files"]], [[7, 9]])
        names = self.check(self.world.run("evacuate-list", "/dev/pmem0"), 0, out="/srv/").out.splitlines()
        self.assertEqual(len(names), len(ended.json()["files"][0]["paths"]))
        self.check(self.world.run("evacuate-list", "/dev/other"), 0, err="No file lies on bad bytes")

    def test_evacuate_list_of_all_files_tells_what_it_did_not_see(self):
        ended = self.check(self.world.run("--json", "evacuate-list", "--all", "/dev/pmem0"), 1, out="not_seen",
                           err="Not seen: something")
        self.check_schema("evacuate-list", ended.json())
        self.check(self.world.run("evacuate-list", "--all", "/dev/pmem0"), 1,
                   out="/srv/a\n/srv/b\\xff\\x0a\n", err="Not seen: something")
        self.check(self.world.run("--json", "evacuate-list", "-0", "/dev/pmem0"), 64, err="contradicts")
        command = self.world.command("evacuate-list", "--all", "-0", "/dev/pmem0")
        self.assertEqual(subprocess.run(command, capture_output=True, check=False).stdout, b"/srv/a\0/srv/b\xff\n\0")

    def test_scrub_waits_for_the_end_and_prints_what_was_found(self):
        ended = self.check(self.world.run("scrub", "/dev/pmem0"), 0, out="1024 bytes cannot be read:\n  bytes 4096 to 4607")
        self.assertIn("512 bytes of them newly listed", ended.out)
        ended = self.check(self.world.run("--json", "scrub", "/dev/pmem0"), 0, out='"state":"done"')
        self.check_schema("scrub", ended.json())
        self.check(self.world.run("scrub", "/dev/none"), 3, err="is not watched")
        self.assertIn(" % of ", self.world.run_on_terminal("", "scrub", "/dev/pmem0").err)

    def test_scrub_goes_on_alone_until_it_is_cancelled(self):
        self.check(self.world.run("scrub", "--cancel", "/dev/slow0"), 3, err="no scrub is under way")
        waiting = self.world.start(self.world.command("--json", "scrub", "/dev/slow0"), stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        for _ in range(100):
            second = self.world.run("scrub", "--cancel", "/dev/slow0")
            if second.status == 0:
                break
        self.check(second, 0)
        self.assertEqual(waiting.wait(world.SECONDS), 1)
        self.assertIn("was cancelled", line_from(waiting.stderr))
        self.check_schema("scrub", json.loads(line_from(waiting.stdout)))

    def test_policy_reload(self):
        ended = self.check(self.world.run("--json", "policy", "reload"), 0, out='"problems":[]')
        self.check_schema("policy-reload", ended.json())


    def test_policy_check_follows_its_schema(self):
        good, bad = (SOURCE / "config" / "policy.d" / "50-default.json", SOURCE / "config" / "schema" / "ctl-list.schema.json")
        ended = self.check(self.world.run("--json", "policy", "check", str(good)), 0, out='"problems":[]', err="no problem")
        self.check_schema("policy-check", ended.json())
        ended = self.check(self.world.run("--json", "policy", "check", str(bad)), 1, out="line", err="problems")
        self.check_schema("policy-check", ended.json())


class Watching(OnBus):
    def test_prints_each_change_as_it_happens(self):
        text, data = self.world.watch(), self.world.watch("--json")
        self.world.run("approve", "7", "--plan", PLAN_HASH)
        self.world.run("dismiss", "9")
        first, second = line_from(text.stdout), line_from(text.stdout)
        self.assertIn("incident 7 on /dev/pmem0: held -> queued, /srv/a", first)
        self.assertIn("incident 9 on /dev/loop3: observing -> dismissed, metadata of ext4 at /mnt: inode table", second)
        for number in (7, 9):
            event = json.loads(line_from(data.stdout))
            self.check_schema("watch", event)
            self.assertEqual(event["incident"]["id"], number)

    def test_goes_on_when_pmend_is_started_again(self):
        watcher = self.world.watch("--json")
        self.world.stop(self.world.pmend)
        stopped = json.loads(line_from(watcher.stdout))
        self.world.start_pmend()
        started = json.loads(line_from(watcher.stdout))
        self.assertEqual([stopped["event"], started["event"]], ["stopped", "started"])
        self.check_schema("watch", stopped)
        self.world.run("dismiss", "7")
        self.assertIn('"new_state":"dismissed"', line_from(watcher.stdout))

    def test_ends_with_69_when_the_bus_goes(self):
        watcher = self.world.watch()
        self.world.stop(self.world.bus)
        self.assertEqual(watcher.wait(world.SECONDS), 69)
        self.assertIn("cannot reach pmend", line_from(watcher.stderr))

    def test_ends_when_nobody_reads_any_more(self):
        watcher = self.world.watch()
        watcher.stdout.close()
        self.world.run("dismiss", "7")
        self.assertNotEqual(watcher.wait(world.SECONDS), 0)


class Unreachable(OnBus):
    def test_no_bus_and_no_pmend_end_with_69(self):
        nowhere = f"unix:path={self.world.directory}/none"
        self.world.stop(self.world.pmend)
        for words in ([], ["list"], ["show", "7"], ["watch"], ["pause"], ["--json", "list"]):
            self.check(self.world.run(*words), 69, err="pmendctl: cannot reach pmend: ")
            self.check(self.world.run(*words, bus=nowhere), 69, err="pmendctl: cannot reach pmend: ")

    def test_a_second_pmend_does_not_get_the_name(self):
        second = self.world.start([str(FAKE), self.world.address], stderr=subprocess.PIPE)
        self.assertEqual(second.wait(world.SECONDS), 75)
        self.assertIn("claim the bus name org.pmend1", line_from(second.stderr))

    def test_host_is_reached_over_ssh(self):
        fake_ssh = self.world.directory / "ssh"
        fake_ssh.write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" >"{self.world.directory}/ssh.log"\nexit 255\n')
        fake_ssh.chmod(0o755)
        environment = {**os.environ, "PATH": f"{self.world.directory}:{os.environ['PATH']}"}
        done = subprocess.run([str(self.world.ctl), "--host", "elsewhere", "list"], env=environment,
                                    capture_output=True, text=True, timeout=world.SECONDS, check=False)
        self.assertEqual(done.returncode, 69, done)
        self.assertIn("elsewhere", (self.world.directory / "ssh.log").read_text())
        self.check(self.world.run("--host", "elsewhere", "list"), 64, err="--host")


STEERING = (["approve", "7", "--plan", PLAN_HASH], ["dismiss", "7"], ["retry", "7"], ["pause"], ["policy", "reload"],
            ["locate", "/srv/a"], ["locate", "/dev/pmem0", "0", "512"], ["scrub", "/dev/pmem0"],
            ["scrub", "--cancel", "/dev/slow0"], ["resume", "/dev/pmem0"], ["evacuate-list", "/dev/pmem0"])


class NobodyByBusPolicy(OnBus):
    def test_everybody_may_look_and_only_root_may_steer(self):
        for words in ([], ["devices"], ["list"], ["show", "7"], ["report", "8"], ["explain", "7"]):
            self.check(self.world.run(*words, uid=NOBODY), 0, out="")
        for words in STEERING:
            self.assertEqual(self.world.run(*words, uid=NOBODY).status, 4, words)
        self.check(self.world.run("show", "7"), 0, out="Incident 7 on /dev/pmem0: held")

    def test_the_policy_file_allows_the_read_methods_and_no_others(self):
        rules = ElementTree.parse(BUS_POLICY).find("policy[@context='default']")
        allowed = {rule.get("send_member") for rule in rules if rule.get("send_interface") == "org.pmend1.Manager"}
        self.assertEqual(allowed, READ_METHODS)
        self.assertEqual({rule.get("send_interface") for rule in rules if not rule.get("send_member")} - {None},
                         {f"org.freedesktop.DBus.{name}" for name in ("Introspectable", "ObjectManager", "Peer",
                                                                      "Properties")})
        interface = ElementTree.parse(SOURCE / "dbus" / "org.pmend1.Manager.xml").find("interface")
        self.assertLess(READ_METHODS, {method.get("name") for method in interface.findall("method")})


class NobodyByPmend(OnBus):
    """The bus lets everything through: pmend itself asks who calls."""
    policy = None

    def send(self, path, method, *arguments):
        command = ["dbus-send", f"--bus={self.world.address}", "--print-reply", "--dest=org.pmend1", path, method]
        return subprocess.run(
            ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *command, *arguments],
            capture_output=True, text=True, timeout=world.SECONDS, check=False)

    def test_steering_is_refused_by_name(self):
        for words in STEERING:
            ended = self.world.run(*words, uid=NOBODY)
            self.assertEqual(ended.status, 4, words)
            self.assertIn("this is for root, and the caller is uid 65534", ended.err)
        self.check(self.world.run("show", "7"), 0, out="Incident 7 on /dev/pmem0: held")
        self.check(self.world.run("status"), 0, out="is running")

    def test_every_method_but_the_read_ones_is_refused(self):
        arguments = {"Approve": ["uint64:7", f"string:{PLAN_HASH}"], "Locate": ["string:/dev/a", "uint64:0", "uint64:1"],
                     "LocateRanges": ["string:/dev/a", "array:uint64:0", "array:uint64:1"],
                     "LocatePath": ["array:byte:47,97"], "Rescan": ["string:"], "Scrub": ["string:/dev/pmem0"],
                     "CancelScrub": ["string:/dev/pmem0"], "ResumeDevice": ["string:/dev/pmem0"],
                     "ListEndangeredFiles": ["string:/dev/pmem0", "boolean:true", "string:"]}
        for name, path in (("Manager", "/org/pmend1"), ("Incident", "/org/pmend1/incident/7")):
            interface = ElementTree.parse(SOURCE / "dbus" / f"org.pmend1.{name}.xml").find("interface")
            for element in interface.findall("method"):
                method = element.get("name")
                if name == "Manager" and method in READ_METHODS:
                    continue
                wanted = sum(one.get("direction") == "in" for one in element.findall("arg"))
                words = arguments.get(method, ["uint64:7"])[-wanted:] if wanted else []
                done = self.send(path, f"org.pmend1.{name}.{method}", *words)
                self.assertIn("org.pmend1.Error.NotAuthorized: this is for root", done.stderr, f"{name}.{method}")


if __name__ == "__main__":
    if os.geteuid() != 0:
        print("SKIPPED: only root may steer pmend and become another user")
        sys.exit(77)
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]], verbosity=2)
