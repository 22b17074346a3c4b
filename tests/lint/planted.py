"""Trees and builds with planted violations, for the tests of the lints."""
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

LINTS = pathlib.Path(__file__).resolve().parent
CMAKE = LINTS.parents[1] / "cmake"
PROJECT = f"""cmake_minimum_required(VERSION 3.25)
project(planted LANGUAGES CXX)
list(APPEND CMAKE_MODULE_PATH {CMAKE})
include(PmendTargets)
"""
SOURCE = "int planted() { return 0; }\n"
MAIN = "int main() { return 0; }\n"


class PlantedTree(unittest.TestCase):
    """Every test has an empty tree of its own, removed at the end."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="pmend-lint-")
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name).resolve()

    def plant(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def run_lint(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(LINTS / f"check_{name}.py"), "--root", str(self.root), *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=120)

    def assert_caught(self, name: str, place: str, rule: str, *arguments: str) -> None:
        """The lint fails, and says `rule` of `place` (file:line)."""
        told = self.run_lint(name, *arguments)
        self.assertEqual(told.returncode, 1, told.stdout + told.stderr)
        found = [line for line in told.stdout.splitlines() if line.startswith(f"{place}: ") and rule in line]
        self.assertEqual(len(found), 1, f"{place}: {rule} not once in:\n{told.stdout}{told.stderr}")

    def assert_passes(self, name: str, *arguments: str) -> None:
        told = self.run_lint(name, *arguments)
        self.assertEqual(told.returncode, 0, told.stdout + told.stderr)


class PlantedBuild(PlantedTree):
    def setUp(self) -> None:
        super().setUp()
        self.build = self.root / "build"

    def library(self, name: str, dependency: str = "") -> str:
        """The CMake text of a library of the house, whose source is planted too."""
        self.plant({f"lib/pmend/{name}/{name}.cpp": SOURCE.replace("planted", name)})
        return (f"pmend_library({name} BASE ${{CMAKE_SOURCE_DIR}}/lib SOURCES lib/pmend/{name}/{name}.cpp"
                f" PRIVATE_DEPS {dependency})\n")

    def configure(self, text: str) -> None:
        self.plant({"CMakeLists.txt": PROJECT + text, "daemon/main.cpp": MAIN})
        self.cmake("-G", "Ninja", "-S", str(self.root), "-B", str(self.build))

    def cmake(self, *arguments: str) -> None:
        told = subprocess.run(["cmake", *arguments], capture_output=True, text=True, timeout=120)
        self.assertEqual(told.returncode, 0, told.stdout + told.stderr)


def main(tool: str | None = None) -> None:
    """Runs the tests of the calling module; without `tool` on this machine they say SKIPPED."""
    if tool and shutil.which(tool) is None:
        print(f"SKIPPED: {tool} is not installed")
        sys.exit(77)
    unittest.main(verbosity=2)
