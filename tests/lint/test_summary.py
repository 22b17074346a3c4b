"""tests/summary.py tells the truth about what ctest left behind."""
import pathlib
import subprocess
import sys
import tempfile
import unittest
from xml.sax.saxutils import escape

SUMMARY = pathlib.Path(__file__).resolve().parents[1] / "summary.py"


def case(name: str, status: str, output: str = "", inner: str = "") -> str:
    return f'<testcase name="{name}" status="{status}">{inner}<system-out>{escape(output)}</system-out></testcase>'


def skipped(name: str, message: str, output: str) -> str:
    return case(name, "notrun", output, f'<skipped message="{message}"/>')


GTEST_SKIP = "[ RUN      ] A.B\nx_test.cpp:5: Skipped\nneeds root\n[  SKIPPED ] A.B (0 ms)\n"


class Summary(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="pmend-summary-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def summary(self, *arguments: str) -> tuple[int, list[str]]:
        told = subprocess.run([sys.executable, str(SUMMARY), str(self.folder), *arguments], capture_output=True,
                              text=True, timeout=60)
        self.assertEqual(told.stderr, "")
        return told.returncode, told.stdout.splitlines()

    def tier(self, *cases: str, status: int = 0, log: str = "") -> list[str]:
        (self.folder / "unit.xml").write_text(f"<testsuite>{''.join(cases)}</testsuite>")
        (self.folder / "unit.log").write_text(log)
        return self.summary("tier", "unit", "dev", str(status), "3")[1]

    def assert_total(self, status: int, line: str) -> None:
        found, lines = self.summary("total")
        self.assertEqual((found, lines[-1]), (status, line))

    def test_all_is_well(self) -> None:
        lines = self.tier(case("unit/A.B", "run"), skipped("unit/A.C", "SKIP_REGULAR_EXPRESSION_MATCHED", GTEST_SKIP))
        self.assertEqual(lines, ["  unit: 1 run, 0 failed, 1 skipped, 3 s", "  skipped 1: needs root"])
        self.assert_total(0, "1 passed, 0 failed, 1 skipped")

    def test_each_reason_for_skipping_is_told_once(self) -> None:
        lines = self.tier(case("a", "run"), skipped("b", "SKIP_RETURN_CODE=77", "SKIPPED: no tool\n"),
                          skipped("c", "SKIP_RETURN_CODE=77", "SKIPPED: no tool\n"), case("d", "disabled", "Disabled"),
                          skipped("e", "SKIP_RETURN_CODE=77", ""))
        self.assertEqual(lines[1:], ["  skipped 1: disabled in the source", "  skipped 1: no reason given",
                                     "  skipped 2: no tool"])

    def test_failure_is_named_with_its_output_and_how_to_repeat_it(self) -> None:
        log = "2/2 Test #2: unit/A.B ......***Exception: SegFault  0.00 sec\n"
        text = "\n".join(self.tier(case("unit/A.B", "fail", "what was seen"), status=8, log=log))
        self.assertIn("FAILED unit/A.B (Exception: SegFault)", text)
        self.assertIn("what was seen", text)
        self.assertIn(r"ctest --test-dir build/dev --output-on-failure -R '^unit/A\.B$'", text)
        self.assert_total(1, "0 passed, 1 failed, 0 skipped")

    def test_missing_executable_and_failed_fixture_are_failures(self) -> None:
        self.tier(case("a", "run"), skipped("b", "Unable to find executable", ""),
                  skipped("c", "Fixture dependency failed", ""), status=8)
        self.assert_total(1, "1 passed, 2 failed, 0 skipped")

    def test_skipped_test_that_then_went_wrong_is_a_failure(self) -> None:
        output = GTEST_SKIP + "==1==ERROR: LeakSanitizer: detected memory leaks\n"
        self.tier(case("a", "run"), skipped("b", "SKIP_REGULAR_EXPRESSION_MATCHED", output))
        self.assert_total(1, "1 passed, 1 failed, 0 skipped")

    def test_ctest_that_died_is_a_failure(self) -> None:
        self.tier(case("a", "run"), status=139)
        self.assert_total(1, "1 passed, 1 failed, 0 skipped")

    def test_report_that_was_cut_or_never_written_is_a_failure(self) -> None:
        (self.folder / "unit.xml").write_text("<testsuite><testcase")
        self.assertIn("time limit", "\n".join(self.summary("tier", "unit", "dev", "124", "3")[1]))
        self.summary("tier", "other", "dev", "0", "3")
        self.assert_total(1, "0 passed, 2 failed, 0 skipped")

    def test_failed_build_is_a_failure_and_shows_its_end(self) -> None:
        (self.folder / "build-dev.log").write_text("\n".join(f"line {n}" for n in range(100)))
        lines = self.summary("step", "build-dev", "1", "3")[1]
        self.assertEqual(lines[0], "  build-dev: FAILED with status 1, 3 s")
        self.assertEqual(lines[-1], "    line 99")
        self.assertLess(len(lines), 80)
        self.assert_total(1, "0 passed, 1 failed, 0 skipped")

    def test_run_without_any_test_is_no_success(self) -> None:
        self.summary("step", "build-dev", "0", "3")
        self.assert_total(1, "0 passed, 0 failed, 0 skipped")
        self.tier(skipped("b", "SKIP_RETURN_CODE=77", "SKIPPED: no root\n"))
        self.assert_total(1, "0 passed, 0 failed, 1 skipped")


if __name__ == "__main__":
    unittest.main()
