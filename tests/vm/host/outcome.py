"""How a run can end, other than with the payload's own exit status."""
USAGE = 64
CANNOT_RUN = 77
KERNEL_COMPLAINED = 96
DIED = 97
TIME_LIMIT = 124


class CannotRun(Exception):
    """QEMU or a package cannot be had on this machine."""


class Wrong(Exception):
    """The caller asked for something that does not exist."""
