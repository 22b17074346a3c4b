"""What the kernel complained about, in its own console."""
import re

# What a kernel says when something went wrong in it or in a file system, wherever it says so.
COMPLAINT = re.compile(
    r"\bBUG: |\bBUG at |\bOops\b|\bWARNING: |\bgeneral protection fault|\bKernel panic\b|\bblocked for more than \d+ sec"
    r"|\bCall Trace:|\bXFS \(\S+\): .*(?:[Ss]hut(?:ting)? ?down|Corruption|corruption|log I/O error)"
    r"|\bEXT4-fs (?:error|\(\S+\): (?:Remounting|shut))|\bJBD2: .*(?:error|abort)|\brcu: INFO: .* detected stalls")
_TIME = re.compile(r"^\[ *\d+\.\d+\] ?")


def complaints(console: str, allowed: list[str]) -> list[str]:
    """Lines of the console that look like damage, but for those that one of the patterns in `allowed` matches."""
    expected = [re.compile(pattern) for pattern in allowed]
    lines = [line.rstrip("\r") for line in console.split("\n")]
    return [line for line in lines if COMPLAINT.search(line) and not any(one.search(line) for one in expected)]
