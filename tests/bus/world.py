"""A private bus with a pmend that is only its D-Bus face, and pmendctl as a program against it."""
import dataclasses
import json
import os
import pathlib
import pty
import select
import shutil
import subprocess
import tempfile
import time
from typing import Any

SECONDS = 30  # for anything that takes milliseconds
NOBODY = 65534
PLAN_HASH = "c" * 64

# As the system bus: clients own nothing and call nobody but the bus unless a policy file says otherwise.
CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type><listen>{address}</listen><auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/><deny own="*"/><deny send_type="method_call"/><allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/><allow receive_type="method_return"/>
    <allow receive_type="error"/><allow receive_type="signal"/>
    <allow send_destination="org.freedesktop.DBus"/>
  </policy>
  {rules}
</busconfig>
"""
NO_LIMITS = '<policy context="mandatory"><allow own="*"/><allow send_destination="*"/></policy>'


@dataclasses.dataclass
class Ended:
    status: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


def line_from(stream) -> str:
    """The next line of an unbuffered pipe, or what came of it within the limit."""
    line = b""
    deadline = time.monotonic() + SECONDS
    while not line.endswith(b"\n"):
        if not select.select([stream], [], [], max(0.0, deadline - time.monotonic()))[0]:
            raise TimeoutError(f"no line, only {line!r}")
        byte = os.read(stream.fileno(), 1)
        if not byte:
            break
        line += byte
    return line.decode(errors="replace").rstrip("\n")


class World:
    """`policy`: a bus policy file, or None for a bus that forbids nothing."""

    def __init__(self, ctl: pathlib.Path, fake: pathlib.Path, policy: pathlib.Path | None):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="pmend-ctl-"))
        self.processes: list[subprocess.Popen] = []
        try:
            self.directory.chmod(0o755)  # another user runs pmendctl from here
            self.ctl = self.directory / "pmendctl"
            shutil.copy(ctl, self.ctl)
            self.fake = fake
            self.address = f"unix:path={self.directory}/bus"
            self.bus = self.start_bus(policy)
            self.pmend = self.start_pmend()
        except BaseException:
            self.close()
            raise

    def start_bus(self, policy: pathlib.Path | None) -> subprocess.Popen:
        config = self.directory / "bus.conf"
        rules = f"<include>{policy}</include>" if policy else NO_LIMITS
        config.write_text(CONFIG.format(address=self.address, rules=rules))
        command = ["dbus-daemon", f"--config-file={config}", "--nofork", "--print-address=1"]
        with open(self.directory / "bus.log", "wb") as log:
            bus = self.start(command, stdout=subprocess.PIPE, stderr=log)
        line_from(bus.stdout)
        return bus

    def start_pmend(self) -> subprocess.Popen:
        pmend = self.start([str(self.fake), self.address], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if (said := line_from(pmend.stdout)) != "ready":
            raise RuntimeError(f"fake_pmend said {said!r}")
        return pmend

    def start(self, command: list[str], **streams) -> subprocess.Popen:
        process = subprocess.Popen(command, bufsize=0, **streams)
        self.processes.append(process)
        return process

    def command(self, *words: str | bytes, uid: int | None = None, bus: str | None = None) -> list[str | bytes]:
        become = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"] if uid else []
        return [*become, str(self.ctl), "--bus", bus or self.address, *words]

    def run(self, *words: str | bytes, uid: int | None = None, bus: str | None = None,
            cwd: str | None = None, given: bytes = b"") -> Ended:
        done = subprocess.run(self.command(*words, uid=uid, bus=bus), input=given, capture_output=True,
                              timeout=SECONDS, cwd=cwd, check=False)
        return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())

    def run_on_terminal(self, answer: str, *words: str) -> Ended:
        """stdin and stderr are a terminal, on which `answer` is typed."""
        master, slave = pty.openpty()
        process = subprocess.Popen(self.command(*words), stdin=slave, stderr=slave, stdout=subprocess.PIPE)
        os.close(slave)
        os.write(master, answer.encode())
        out, _ = process.communicate(timeout=SECONDS)
        said = b""
        while select.select([master], [], [], 0)[0]:
            try:
                said += os.read(master, 65536)
            except OSError:  # EIO: the other end is closed
                break
        os.close(master)
        return Ended(process.returncode, out.decode(), said.decode())

    def watch(self, *words: str) -> subprocess.Popen:
        """Returns when nothing will be missed."""
        process = self.start(self.command(*words, "watch"), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        line_from(process.stderr)
        return process

    def stop(self, process: subprocess.Popen) -> None:
        process.kill()
        process.wait(SECONDS)
        self.processes.remove(process)
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream:
                stream.close()

    def close(self) -> None:
        for process in list(reversed(self.processes)):
            self.stop(process)
        shutil.rmtree(self.directory)
