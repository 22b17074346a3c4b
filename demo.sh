#!/usr/bin/env bash
# Shows pmend at work on real file systems: sudo ./demo.sh
# Exit: 0 all as promised, 1 not, 64 usage, 77 cannot run here (it says why).
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1

DEMO=build/dev/tests/pmend-demo
REAP=build/dev/tests/pmend-world-reap
LOG=build/demo-build.log

usage() {
  cat <<'TEXT'
usage: sudo ./demo.sh [--help]

Builds what is missing, makes XFS and ext4 on a medium that can fail, poisons sectors of files on them, shows what an
application and the medium see, and compares every byte. Needs root, /dev/fuse and loop devices. Leaves nothing behind.
TEXT
}

cannot_run() {
  echo "demo: cannot run here: $1" >&2
  exit 77
}

case ${1-} in
  "") ;;
  --help | -h) usage; exit 0 ;;
  *) echo "demo: unknown argument '$1' (see ./demo.sh --help)" >&2; exit 64 ;;
esac
((EUID == 0)) || cannot_run "not root (sudo ./demo.sh): loop devices and mounts need it"
[[ -c /dev/fuse ]] || cannot_run "no /dev/fuse (modprobe fuse)"
[[ -c /dev/loop-control ]] || cannot_run "no /dev/loop-control (modprobe loop)"

# A demonstration that was interrupted leaves a directory at most; its mounts and devices went with it.
clean_up() {
  trap - EXIT INT TERM HUP
  [[ ! -x $REAP ]] || "$REAP"
}
trap clean_up EXIT
trap 'echo; echo "demo: interrupted" >&2; exit 130' INT
trap 'exit 143' TERM HUP

mkdir -p build
./test.sh --install >"$LOG" 2>&1 || { tail -n 20 "$LOG" >&2; echo "demo: packages could not be installed" >&2; exit 1; }
if [[ ! -x $DEMO ]]; then
  echo "building (some minutes the first time; $LOG) ..."
fi
if ! { cmake --preset dev && cmake --build --preset dev --target pmend-demo pmend-world-reap; } >>"$LOG" 2>&1; then
  tail -n 20 "$LOG" >&2
  echo "demo: the build failed, see $LOG" >&2
  exit 1
fi
"$DEMO"
