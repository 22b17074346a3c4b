"""cmake --install puts every program where the design says; PMEND_BUILD is the build directory."""
import os
import pathlib
import subprocess
import tempfile
import unittest


class Install(unittest.TestCase):
    def test_daemons_are_no_commands(self) -> None:
        with tempfile.TemporaryDirectory(prefix="pmend-install-") as folder:
            command = ["cmake", "--install", os.environ["PMEND_BUILD"], "--prefix", folder]
            told = subprocess.run(command, capture_output=True, text=True, timeout=120)
            self.assertEqual(told.returncode, 0, told.stdout + told.stderr)
            installed = [path for path in pathlib.Path(folder).rglob("pmend*") if path.is_file()]
            programs = {str(path.relative_to(folder)) for path in installed}
        built = {path.name for path in (pathlib.Path(os.environ["PMEND_BUILD"]) / "bin").iterdir()}
        daemons = {f"libexec/{name}" for name in built & {"pmend", "pmend-worker", "pmend-medium"}}
        self.assertLessEqual({"bin/pmendctl", "libexec/pmend", "libexec/pmend-worker"} | daemons, programs)
        self.assertEqual({name for name in programs if name.startswith("bin/")}, {"bin/pmendctl"})


if __name__ == "__main__":
    unittest.main()
