"""cmake --install puts everything where the design says; PMEND_BUILD is the build directory."""
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

BUILD = pathlib.Path(os.environ["PMEND_BUILD"])


class Install(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="pmend-install-")
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        cache = (BUILD / "CMakeCache.txt").read_text()
        self.prefix = self.root / re.search(r"CMAKE_INSTALL_PREFIX:PATH=/(.*)", cache)[1]
        self.install()

    def install(self) -> None:
        # Not --prefix: configuration has a place of its own.
        told = subprocess.run(["cmake", "--install", BUILD], env={**os.environ, "DESTDIR": str(self.root)},
                              capture_output=True, text=True, timeout=120)
        self.assertEqual(told.returncode, 0, told.stdout + told.stderr)

    def test_daemons_are_no_commands_and_all_have_manuals(self) -> None:
        installed = [path for path in self.prefix.rglob("pmend*") if path.is_file()]
        programs = {str(path.relative_to(self.prefix)) for path in installed}
        built = {path.name for path in (BUILD / "bin").iterdir()}
        daemons = {f"libexec/{name}" for name in built & {"pmend", "pmend-worker", "pmend-medium"}}
        self.assertLessEqual({"bin/pmendctl", "libexec/pmend", "libexec/pmend-worker"} | daemons, programs)
        self.assertEqual({name for name in programs if name.startswith("bin/")}, {"bin/pmendctl"})
        manuals = {f"share/man/man{page[-1]}/{page}" for page in ("pmend.8", "pmendctl.1", "pmend-policy.5",
                                                                  "pmend-worker.8")}
        self.assertLessEqual(manuals, programs)

    def test_a_configuration_that_is_there_stays(self) -> None:
        (configuration,) = self.root.rglob("etc/pmend/pmend.json")
        self.assertIn('"auto": true', configuration.read_text())
        configuration.write_text("{}")
        self.install()
        self.assertEqual(configuration.read_text(), "{}")


if __name__ == "__main__":
    unittest.main()
