"""QEMU's monitor, asked by the host over QMP (docs/interop/qmp-spec of QEMU)."""
import json
import pathlib
import socket


class Monitor:
    """Connects for each command, as QEMU serves one connection at a time."""

    def __init__(self, path: pathlib.Path):
        self._path = path

    def command(self, line: str) -> str:
        """What a command line of the human monitor prints, nothing if all went well."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self._path))
            with connection.makefile("rw") as lines:
                json.loads(lines.readline())  # the greeting
                _execute(lines, "qmp_capabilities")
                return _execute(lines, "human-monitor-command", {"command-line": line})


def _execute(lines, command: str, arguments: dict | None = None):
    lines.write(json.dumps({"execute": command, "arguments": arguments or {}}) + "\n")
    lines.flush()
    for line in lines:
        answer = json.loads(line)
        if "error" in answer:
            raise RuntimeError(f"{command}: {answer['error']['desc']}")
        if "return" in answer:  # anything else is an event
            return answer["return"]
    raise RuntimeError(f"{command}: QEMU has closed its monitor")
