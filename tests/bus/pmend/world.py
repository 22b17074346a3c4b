"""A private bus, a pmend on it with directories of its own, and the fake worker. Nothing outlives a test."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
PMEND = os.environ["PMEND_PROGRAM"]
LIMIT = 20  # seconds for anything that should happen soon

BUS_CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
  "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <{own} own="*"/>
  </policy>
</busconfig>
"""


def plain(value):
    """What busctl prints as {"type", "data"} pairs, as plain values."""
    if isinstance(value, dict) and set(value) == {"type", "data"}:
        return plain(value["data"])
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, list) else value


class World(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="pmend-bus-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        for name in ("state", "spool", "run", "policy", "worker"):
            (self.folder / name).mkdir()
        self.write_policy({"rules": [{"name": "all", "then": {"action": "repair"}}]})
        (self.folder / "pmend.json").write_text("{}")
        self.script()
        self.address = f"unix:path={self.folder}/bus"
        self.bus = self.start_bus()
        self.running: list[subprocess.Popen] = []
        self.addCleanup(self.kill_all)

    def start_bus(self, name: str = "bus", own: str = "allow") -> subprocess.Popen:
        config = self.folder / f"{name}.conf"
        config.write_text(BUS_CONFIG.format(socket=self.folder / name, own=own))
        with (self.folder / f"{name}.log").open("w") as log:
            bus = subprocess.Popen(["dbus-daemon", "--nofork", f"--config-file={config}"], stderr=log)
        self.addCleanup(self.end, bus)
        self.until((self.folder / name).exists, "the bus")
        return bus

    def end(self, process: subprocess.Popen) -> None:
        process.kill()
        process.wait()
        if process.stderr:
            process.stderr.close()

    def kill_all(self) -> None:
        for process in self.running:
            self.end(process)
        for call in self.calls():
            if "pid" in call:
                try:
                    os.kill(call["pid"], signal.SIGKILL)
                except ProcessLookupError:
                    pass

    # What is given to pmend.

    def script(self, **script) -> None:
        (self.folder / "worker" / "script.json").write_text(json.dumps(script))

    def write_policy(self, policy: dict | str, name: str = "10-test.json") -> None:
        text = policy if isinstance(policy, str) else json.dumps(policy)
        (self.folder / "policy" / name).write_text(text)

    def arguments(self, **options) -> list[str]:
        given = {"config": self.folder / "pmend.json", "policy-dir": self.folder / "policy",
                 "state-dir": self.folder / "state", "spool-dir": self.folder / "spool",
                 "runtime-dir": self.folder / "run", "bus": self.address, "worker": HERE / "fake_worker.py", **options}
        return [f"--{name}={value}" for name, value in given.items()]

    def start(self, *, wait: bool = True, environment: dict | None = None, **options) -> subprocess.Popen:
        self.log = self.folder / f"log{len(self.running)}"
        with self.log.open("w") as log:
            process = subprocess.Popen(
                [PMEND, *self.arguments(**options)], stderr=log, stdin=subprocess.DEVNULL,
                env={**os.environ, "PMEND_FAKE_WORKER": str(self.folder / "worker"), **(environment or {})})
        self.running.append(process)
        if wait:
            self.until(lambda: self.property("Version") is not None, "pmend on the bus")
        return process

    def ends(self, process: subprocess.Popen) -> tuple[int, str]:
        """Its exit status, and what it said."""
        return process.wait(timeout=60), self.log.read_text()

    # What is seen.

    def until(self, holds, what: str, limit: float = LIMIT):
        deadline = time.monotonic() + limit
        while time.monotonic() < deadline:
            if value := holds():
                return value
            time.sleep(0.02)
        said = self.log.read_text() if hasattr(self, "log") else ""
        self.fail(f"not within {limit} s: {what}\npmend said:\n{said}")

    def says(self, text: str) -> None:
        self.until(lambda: text in self.log.read_text(), f"'{text}' in the log")

    def busctl(self, *arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run(["busctl", f"--address={self.address}", "--json=short", *arguments], capture_output=True,
                              text=True, timeout=30)

    def property(self, name: str):
        got = self.busctl("get-property", "org.pmend1", "/org/pmend1", "org.pmend1.Manager", name)
        return plain(json.loads(got.stdout)) if got.returncode == 0 else None

    def call(self, method: str, signature: str = "", *arguments: str):
        got = self.try_call(method, signature, *arguments)
        self.assertEqual(got.returncode, 0, got.stderr)
        answers = plain(json.loads(got.stdout)) if got.stdout.strip() else [None]
        return answers[0] if len(answers) == 1 else answers

    def try_call(self, method: str, signature: str = "", *arguments: str) -> subprocess.CompletedProcess:
        return self.busctl("call", "org.pmend1", "/org/pmend1", "org.pmend1.Manager", method,
                           *([signature] if signature else []), *arguments)

    def incidents(self) -> list[dict]:
        return self.call("ListIncidents", "a{sv}us", "1", "all", "b", "true", "0", "")[0]

    def calls(self) -> list[dict]:
        """Each start of a worker and each request that one got."""
        path = self.folder / "worker" / "calls.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def starts(self, role: str = "observe") -> list[dict]:
        return [call for call in self.calls() if call.get("start") == role]

    def requests(self, verb: str) -> list[dict]:
        return [call["body"] for call in self.calls() if call.get("request") == verb]
