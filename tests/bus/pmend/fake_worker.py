#!/usr/bin/env python3
"""fake_worker.py observe|repair --fd 3 …: a worker that does what a script says.

The folder in $PMEND_FAKE_WORKER holds script.json, read at each start: {"observe": MODE, "repair": MODE, "bad": [[offset,
length], …], "lost": bytes, "nameless": true where no names of files are found}. MODE is one of the functions of MODES.
Each start and each request is added to calls.jsonl there. The world that it shows is one device with one file, and
repairs of it succeed.
"""
import json
import os
import pathlib
import signal
import socket
import sys
import time

FOLDER = pathlib.Path(os.environ["PMEND_FAKE_WORKER"])
MOST = 64 * 1024
VERSION = 1
DEVICE = "/dev/fake0"
DEVICE_ID = "fake:1"
FILESYSTEM = {"type": "xfs", "uuid": "3e6b0c1c-66b1-4d92-a4f7-7d6d5b1f2c11", "label": "", "mount_point": "/srv"}
UNIT = 4096
SECTOR = 512


class Gone(Exception):
    """pmend closed the connection."""


class Worker:
    def __init__(self, role: str, link: socket.socket) -> None:
        self.role = role
        self.link = link
        self.script = json.loads((FOLDER / "script.json").read_text())
        self.note({"start": role, "pid": os.getpid(), "at": time.monotonic()})

    def note(self, what: dict) -> None:
        with (FOLDER / "calls.jsonl").open("a") as calls:
            calls.write(json.dumps(what) + "\n")

    def send(self, message: dict) -> None:
        self.link.send(json.dumps(message).encode())

    def receive(self) -> dict:
        data = self.link.recv(MOST + 1)
        if not data:
            raise Gone
        return json.loads(data)

    def hello(self, version: int = VERSION) -> None:
        self.send({"type": "hello", "version": version, "role": self.role, "pid": os.getpid()})

    def event(self, kind: str, body: dict) -> None:
        self.send({"type": "event", "kind": kind, "body": body})

    def reply(self, request: dict, body: dict) -> None:
        self.send({"type": "reply", "id": request["id"], "body": body})

    # What it shows.

    def bad(self) -> list[dict]:
        return [{"offset": offset, "length": length} for offset, length in self.script.get("bad", [])]

    def still_bad(self) -> list[dict]:
        return [] if (FOLDER / "repaired").exists() else self.bad()

    def device(self) -> dict:
        return {"device": DEVICE, "device_id": DEVICE_ID, "size": 1 << 30, "logical_block_size": 512,
                "physical_block_size": 4096, "repair_unit": UNIT, "fast_zero": 0, "dax": False, "filesystem": FILESYSTEM}

    def media_errors(self) -> dict:
        return {"device": DEVICE, "device_id": DEVICE_ID, "source": "list", "ranges": self.still_bad(),
                "complete": True}

    def owner(self, bad: dict, *, named: bool = True) -> dict:
        return {"kind": "file", "filesystem": FILESYSTEM, "inode": 131, "generation": 77,
                "paths": [{"text": "/srv/a"}, {"text": "/srv/b"}] if named else [], "all_names": named,
                "file_offset": bad["offset"], "device_offset": bad["offset"], "length": bad["length"], "shared": False}

    def observation(self, request: dict) -> dict:
        named = "names" in request["facts"] and not self.script.get("nameless")
        listed = "yes" if self.still_bad() else "no"
        readable = "no" if self.still_bad() else "yes"
        return {"device": self.device(), "boot_id": "11b3",
                "ranges": [{**bad, "listed": listed, "readable": readable, "owners": [self.owner(bad, named=named)],
                            "evidence": ["getfsmap"]} for bad in request["ranges"]]}

    def plan(self, request: dict) -> dict:
        units, lost, salvageable = [], [], []
        for bad in request["ranges"]:
            first = bad["offset"] // UNIT * UNIT
            sector = (bad["offset"] - first) // SECTOR
            lose = self.script.get("lost", 0) > 0
            letters = ["g"] * (UNIT // SECTOR)
            letters[sector] = "L" if lose else "C"
            units.append({"device_offset": first, "length": UNIT, "method": "redirty", "sectors": "".join(letters),
                          "mappings": [{"inode": 131, "generation": 77, "file_offset": first, "device_offset": first,
                                        "length": UNIT}]})
            if lose:
                lost.append(bad)
                salvageable += [{"offset": first, "length": sector * SECTOR},
                                {"offset": bad["offset"] + SECTOR, "length": UNIT - (sector + 1) * SECTOR}]
            else:
                salvageable.append({"offset": first, "length": UNIT})
        return {"plan": {"device": DEVICE, "device_id": DEVICE_ID, "boot_id": "11b3", "owner": "file",
                         "filesystem": FILESYSTEM, "method": "redirty", "units": units, "bad": request["ranges"],
                         "salvageable": [range_ for range_ in salvageable if range_["length"]], "lost": lost,
                         "restored": []}}

    # What it does.

    def watch(self, request: dict) -> None:
        self.reply(request, {"sources": ["list"], "problems": [], "absent": []})
        self.event("device-found", self.device())
        self.event("media-errors", self.media_errors())

    def answer(self, request: dict) -> None:
        self.note({"request": request["verb"], "body": request["body"]})
        verb = request["verb"]
        if verb == "watch":
            self.watch(request)
        elif verb == "observe":
            self.reply(request, self.observation(request["body"]))
        elif verb == "plan":
            self.reply(request, self.plan(request["body"]))
        elif verb == "list":
            self.reply(request, self.media_errors())
        elif verb == "locate":
            self.reply(request, {"device": self.device(), "owners": [self.owner({"offset": 4096, "length": 512})],
                                 "bad": []})
        elif verb == "scrub":
            self.scrub(request)
        elif verb == "inspect":
            self.reply(request, {"locks": [], "spool_keys": [], "frozen": []})
        elif verb in ("repair", "resume"):
            self.repair(request)
        else:
            self.reply(request, {})

    def scrub(self, request: dict) -> None:
        """Half of it at once, the rest when it is asked to list."""
        self.send({"type": "progress", "id": request["id"], "done": 1 << 29, "total": 1 << 30})
        cancel = self.receive()
        while cancel["type"] != "cancel":
            self.answer(cancel)
            if cancel.get("verb") == "list":
                break
            cancel = self.receive()
        cancelled = cancel["type"] == "cancel"
        bad = self.still_bad()
        finds = {"bytes": sum(one["length"] for one in bad), "ranges": bad}
        self.reply(request, {"device": DEVICE, "device_id": DEVICE_ID, "source": "list", "size": 1 << 30,
                             "done": 1 << (29 if cancelled else 30), "cancelled": cancelled, "unreadable": finds,
                             "unlisted": {"bytes": 0, "ranges": []}, "unanswered": {"bytes": 0, "ranges": []}})

    def repair(self, request: dict) -> None:
        plan = request["body"]["plan"]
        job = request["body"]["job"]
        for index, unit in enumerate(plan["units"]):
            step = {"job": job, "index": index, "kind": "redirty", "device_offset": unit["device_offset"],
                    "length": unit["length"], "spool_sha256": None, "outcome": None, "reason": ""}
            self.event("step", step)
            self.answer(self.receive())
            (FOLDER / "repaired").touch()
            self.event("step", {**step, "outcome": "succeeded", "reason": "proven"})
        proof = {"badblocks_clear": True, "read_back": True, "neighbours_unchanged": True, "extents_before": "d" * 64,
                 "extents_after": "d" * 64, "attributes_unchanged": True}
        units = [{key: unit[key] for key in ("device_offset", "length", "method", "sectors")} for unit in plan["units"]]
        self.reply(request, {"job": job, "outcome": "succeeded", "reason": "done", "proof": proof,
                             "manifest": {"lost": [], "salvaged": [], "restored": [], "units": units}})

    def serve(self) -> None:
        while True:
            self.answer(self.receive())


def normal(worker: Worker) -> None:
    worker.hello()
    worker.receive()
    worker.serve()


def other_version(worker: Worker) -> None:
    worker.hello(VERSION + 98)
    time.sleep(60)


def other_role(worker: Worker) -> None:
    worker.role = "repair" if worker.role == "observe" else "observe"
    normal(worker)


def garbage(worker: Worker) -> None:
    worker.hello()
    worker.link.send(b"\xff not a message")
    time.sleep(60)


def unknown_key(worker: Worker) -> None:
    worker.send({"type": "hello", "version": VERSION, "role": worker.role, "pid": os.getpid(), "mood": "good"})
    time.sleep(60)


def key_twice(worker: Worker) -> None:
    worker.link.send(b'{"type":"hello","version":1,"version":1,"role":"observe","pid":1}')
    time.sleep(60)


def too_long(worker: Worker) -> None:
    worker.hello()
    worker.link.send(b" " * (MOST + 1))
    time.sleep(60)


def wrong_body(worker: Worker) -> None:
    worker.hello()
    worker.receive()
    worker.reply(worker.receive(), {"sources": 7})
    time.sleep(60)


def leaves(worker: Worker) -> None:
    worker.hello()
    sys.exit(3)


def deaf(worker: Worker) -> None:
    """Ends neither with its connection nor when it is asked to."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    worker.hello()
    while True:
        time.sleep(60)


MODES = {mode.__name__: mode for mode in (normal, other_version, other_role, garbage, unknown_key, key_twice, too_long,
                                          wrong_body, leaves, deaf)}


def run(role: str, link: socket.socket) -> None:
    worker = Worker(role, link)
    try:
        MODES[worker.script.get(role, "normal")](worker)
    except (Gone, ConnectionError):
        pass


def main() -> None:
    role, option, fd = sys.argv[1:4]
    assert role in ("observe", "repair") and option == "--fd", sys.argv
    run(role, socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET, fileno=int(fd)))


if __name__ == "__main__":
    main()
