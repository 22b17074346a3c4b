"""The units are what systemd takes them for. PMEND_UNITS is where they were configured, PMEND_PROGRAMS holds the
programs that they start."""
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

UNITS = pathlib.Path(os.environ["PMEND_UNITS"])
PROGRAMS = os.environ["PMEND_PROGRAMS"]


@unittest.skipUnless(shutil.which("systemd-analyze"), "needs systemd-analyze")
class Units(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="pmend-units-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        for unit in UNITS.glob("pmend*"):
            if unit.suffix in (".service", ".socket"):
                text = re.sub(r"(?m)^ExecStart=\S*/", f"ExecStart={PROGRAMS}/", unit.read_text())
                (self.folder / unit.name).write_text(text)
        for name in ("repair", "guard"):
            shutil.copy(self.folder / f"pmend-{name}@.service", self.folder / f"pmend-{name}@1.service")

    def analyze(self, *arguments: str) -> tuple[int, str]:
        done = subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout + done.stderr

    def test_systemd_has_nothing_to_say(self) -> None:
        for name in ("pmend.service", "pmend-observer.service", "pmend-repair.socket", "pmend-repair@1.service",
                     "pmend-guard.socket", "pmend-guard@1.service"):
            with self.subTest(name):
                # Unknown keys only warn: what counts is the silence.
                self.assertEqual(self.analyze("verify", "--man=no", str(self.folder / name)), (0, ""))

    def test_what_decides_is_shut_in(self) -> None:
        status, said = self.analyze("security", "--offline=true", "--threshold=10", str(self.folder / "pmend.service"))
        self.assertEqual(status, 0, said)

    def test_workers_make_no_mount_namespace(self) -> None:
        pins = re.compile(r"(?m)^(ProtectSystem|ProtectHome|ProtectProc|PrivateTmp|PrivateDevices|PrivateMounts|ProtectKernel"
                          r"\w+|ProtectControlGroups|ReadOnlyPaths|ReadWritePaths|InaccessiblePaths|RootDirectory)=")
        for name in ("pmend-observer.service", "pmend-repair@.service", "pmend-guard@.service"):
            self.assertIsNone(pins.search((self.folder / name).read_text()), name)

    def test_workers_may_make_the_calls_that_systemd_does_not_know(self) -> None:
        # cachestat(2) of all, which no list of Debian 12 has; openat2(2) of who looks at names.
        for name in ("pmend-observer.service", "pmend-repair@.service", "pmend-guard@.service"):
            filters = re.findall(r"(?m)^SystemCallFilter=(.*)", (self.folder / name).read_text())
            self.assertTrue(filters and all(line.startswith("~") for line in filters), name)
        for name in ("pmend-observer.service", "pmend-repair@.service"):
            self.assertNotIn("\nRestrictSUIDSGID", (self.folder / name).read_text(), name)


if __name__ == "__main__":
    unittest.main()
