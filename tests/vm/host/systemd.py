"""What a machine needs whose first process is systemd: its programs and the few units that a service stands on."""
import pathlib

import programs
from cpio import Archive
from outcome import CannotRun

PROGRAMS = ["systemd", "systemd-journald", "systemd-sysusers", "systemd-tmpfiles", "systemctl", "journalctl"]
UNITS = pathlib.Path("/lib/systemd/system")
NEEDED_UNITS = [
    "basic.target", "sysinit.target", "local-fs.target", "sockets.target", "timers.target", "paths.target",
    "slices.target", "multi-user.target", "shutdown.target", "systemd-journald.service", "systemd-journald.socket",
    "systemd-journald-dev-log.socket", "systemd-sysusers.service", "systemd-tmpfiles-setup.service", "dbus.service",
    "dbus.socket",
]
# Lets systemd have its name on the bus.
BUS_POLICY = pathlib.Path("/usr/share/dbus-1/system.d/org.freedesktop.systemd1.conf")
# What the machine comes up to: as on any other, users and directories first, then the bus.
PAYLOAD = """[Unit]
Requires=basic.target systemd-journald.service dbus.service systemd-sysusers.service systemd-tmpfiles-setup.service
After=basic.target systemd-journald.service dbus.service systemd-sysusers.service systemd-tmpfiles-setup.service

[Service]
Type=oneshot
ExecStart=/vm/payload
TimeoutStartSec=infinity
"""


def add(archive: Archive) -> None:
    for name in PROGRAMS:
        path = programs.found(name)
        if path is None:
            raise CannotRun("packages are missing: systemd")
        programs.add_program(archive, path, str(path.resolve()))
    for name in NEEDED_UNITS:
        archive.add_copy(UNITS / name, f"{UNITS}/{name}")
    archive.add_copy(BUS_POLICY, str(BUS_POLICY))
    archive.add_file(f"{UNITS}/payload.service", PAYLOAD.encode())
