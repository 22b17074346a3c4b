#!/usr/bin/env python3
"""summary.py FOLDER tier NAME PRESET EXIT SECONDS | step NAME EXIT SECONDS | total

Counts for test.sh. FOLDER belongs to one run of it.
  tier   reads what ctest left in FOLDER as NAME.xml (--output-junit) and NAME.log (its stdout), prints what ran, what
         failed and how to run that again, and every distinct reason for skipping
  step   a build or the like: prints the end of FOLDER/NAME.log if EXIT is not 0
  total  prints "N passed, N failed, N skipped"; exit status 0 only if tests ran and nothing failed
ctest is not believed where it could be wrong: an executable that is not there counts as failed, not as skipped.
"""
import collections
import json
import os
import pathlib
import re
import shlex
import sys
import xml.etree.ElementTree as ElementTree
from typing import NamedTuple

# How ctest says in its JUnit file that a test chose to be skipped. Any other "notrun" is a test that should have run.
CHOSE_TO_SKIP = ("SKIP_RETURN_CODE", "SKIP_REGULAR_EXPRESSION_MATCHED")
# A test that asked to be skipped and then went wrong has failed.
WENT_WRONG = re.compile(r"\[  FAILED  \]|ERROR: \w+Sanitizer|runtime error:")
GTEST_REASON = re.compile(r": Skipped\n(.*?)\n?\[  SKIPPED \]", re.S)
SCRIPT_REASON = re.compile(r"^SKIPPED: (.*)$", re.M)
# "5/9 Test #5: unit/A.Crash ....***Exception: SegFault  0.00 sec"
VERDICT = re.compile(r"Test +#\d+: (\S+) \.*\*\*\*(.*?) +[\d.]+ sec")
SHOWN_LINES = 60


class Case(NamedTuple):
    name: str
    state: str  # passed, failed or skipped
    output: str
    reason: str  # of a skip or of a failure


def skip_reason(output: str) -> str:
    match = GTEST_REASON.search(output) or SCRIPT_REASON.search(output)
    return " ".join(match[1].split()) if match and match[1].strip() else "no reason given"


def judge(element: ElementTree.Element) -> Case:
    name, status = element.get("name", "?"), element.get("status")
    output = element.findtext("system-out") or ""
    if status == "run":
        return Case(name, "passed", output, "")
    if status == "disabled":
        return Case(name, "skipped", output, "disabled in the source")
    skipped = element.find("skipped")
    message = skipped.get("message", "") if skipped is not None else ""
    if status == "notrun" and message.startswith(CHOSE_TO_SKIP) and not WENT_WRONG.search(output):
        return Case(name, "skipped", output, skip_reason(output))
    return Case(name, "failed", output, message)


def read_cases(junit: pathlib.Path) -> list[Case] | None:
    """None if there is no whole report, as when ctest died."""
    try:
        return [judge(element) for element in ElementTree.parse(junit).getroot().iter("testcase")]
    except (OSError, ElementTree.ParseError):
        return None


def text_of(path: pathlib.Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""


def print_end(text: str) -> None:
    lines = text.rstrip().splitlines()
    if len(lines) > SHOWN_LINES:
        print(f"    ... {len(lines) - SHOWN_LINES} lines before")
    for line in lines[-SHOWN_LINES:]:
        print(f"    {line}")


def print_failure(case: Case, preset: str, verdict: str) -> None:
    print(f"  FAILED {case.name} ({verdict or case.reason or 'failed'})")
    print_end(case.output)
    again = ["ctest", "--test-dir", f"build/{preset}", "--output-on-failure", "-R", f"^{re.escape(case.name)}$"]
    print(f"  run it again: PMEND_SEED={os.environ.get('PMEND_SEED', '')} {shlex.join(again)}")


def record(folder: pathlib.Path, passed: int, failed: int, skipped: int) -> None:
    with open(folder / "counts", "a") as counts:
        counts.write(json.dumps([passed, failed, skipped]) + "\n")


def tier(folder: pathlib.Path, name: str, preset: str, status: int, seconds: int) -> None:
    cases = read_cases(folder / f"{name}.xml")
    log = text_of(folder / f"{name}.log")
    by_state = collections.Counter(case.state for case in cases or [])
    # An end that no failed test explains: ctest itself crashed, was killed, or ran into the tier's time limit.
    broken = cases is None or (status != 0 and not by_state["failed"])
    failed = by_state["failed"] + broken
    run = by_state["passed"] + by_state["failed"]
    print(f"  {name}: {run} run, {failed} failed, {by_state['skipped']} skipped, {seconds} s")
    verdicts = dict(VERDICT.findall(log))
    for case in cases or []:
        if case.state == "failed":
            print_failure(case, preset, verdicts.get(case.name, ""))
    reasons = collections.Counter(case.reason for case in cases or [] if case.state == "skipped")
    for reason, count in sorted(reasons.items()):
        print(f"  skipped {count}: {reason}")
    if broken:
        print(f"  FAILED {name}: ctest ended with status {status}{' (time limit)' if status in (124, 137) else ''}")
        print_end(log)
    record(folder, by_state["passed"], failed, by_state["skipped"])


def step(folder: pathlib.Path, name: str, status: int, seconds: int) -> None:
    print(f"  {name}: {'done' if status == 0 else f'FAILED with status {status}'}, {seconds} s")
    if status != 0:
        print_end(text_of(folder / f"{name}.log"))
        record(folder, 0, 1, 0)


def total(folder: pathlib.Path) -> int:
    rows = [json.loads(line) for line in text_of(folder / "counts").splitlines()]
    passed, failed, skipped = (sum(column) for column in zip(*rows)) if rows else (0, 0, 0)
    if passed + failed == 0:
        print("no test ran")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 0 if passed > 0 and failed == 0 else 1


def main(argv: list[str]) -> int:
    folder, what, *rest = argv
    if what == "tier":
        name, preset, status, seconds = rest
        tier(pathlib.Path(folder), name, preset, int(status), int(seconds))
    elif what == "step":
        name, status, seconds = rest
        step(pathlib.Path(folder), name, int(status), int(seconds))
    else:
        return total(pathlib.Path(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
