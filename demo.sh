#!/usr/bin/env bash
# Shows pmend at work on real file systems: sudo ./demo.sh; on persistent memory in a virtual machine: ./demo.sh --pmem
# Exit: 0 all as promised, 1 not, 64 usage, 77 cannot run here (it says why).
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1

DEMO=build/dev/tests/pmend-demo
REAP=build/dev/tests/pmend-world-reap
LOG=build/demo-build.log

usage() {
  cat <<'TEXT'
usage: sudo ./demo.sh [--pmem | --keep | --end | --help]

Builds what is missing, makes XFS and ext4 with some thousand files on media that can fail, starts pmend on a private
bus (as an unprivileged user, its workers as root), poisons sectors, tells what pmend makes of them and why, and compares
every byte of every file. Needs root, /dev/fuse and loop devices. Leaves nothing behind.

  --pmem  instead: a virtual machine with persistent memory mounted with DAX, which goes bad in each of the ways it can,
          by a real machine check too. Needs QEMU and the network once, for a kernel package; about a minute
  --keep  leave it all running at the end, and say how to look at it
  --end   end what --keep left running
TEXT
}

cannot_run() {
  echo "demo: cannot run here: $1" >&2
  exit 77
}

# Ends what --keep left running, and removes its mounts, loop devices and directories.
end_kept() {
  pkill -x pmend-demo && sleep 1
  [[ ! -x $REAP ]] || "$REAP"
}

keep=
pmem=
case ${1-} in
  "") ;;
  --keep) keep=--keep ;;
  --pmem) pmem=1 ;;
  --end) ((EUID == 0)) || { echo "demo: not root: sudo ./demo.sh --end" >&2; exit 77; }
    end_kept; exit ;;
  --help | -h) usage; exit 0 ;;
  *) echo "demo: unknown argument '$1' (see ./demo.sh --help)" >&2; exit 64 ;;
esac
if [[ -z $pmem ]]; then
  ((EUID == 0)) || cannot_run "not root (sudo ./demo.sh): loop devices and mounts need it"
  [[ -c /dev/fuse ]] || cannot_run "no /dev/fuse (modprobe fuse)"
  [[ -c /dev/loop-control ]] || cannot_run "no /dev/loop-control (modprobe loop)"
fi

# What an interrupted demonstration leaves; one that is kept holds its lock and stays.
clean_up() {
  trap - EXIT INT TERM HUP
  [[ ! -x $REAP ]] || "$REAP"
}
trap clean_up EXIT
trap 'echo; echo "demo: interrupted" >&2; exit 130' INT
trap 'exit 143' TERM HUP

mkdir -p build
./test.sh --install >"$LOG" 2>&1 || { tail -n 20 "$LOG" >&2; echo "demo: packages could not be installed" >&2; exit 1; }
targets=(pmend-demo pmend-world-reap)
[[ -z $pmem ]] || targets=(pmend pmend-worker pmendctl pmend-vm-map)
if [[ ! -x build/dev/tests/${targets[-1]} ]]; then
  echo "building (some minutes the first time; $LOG) ..."
fi
if ! { cmake --preset dev && cmake --build --preset dev --target "${targets[@]}"; } >>"$LOG" 2>&1; then
  tail -n 20 "$LOG" >&2
  echo "demo: the build failed, see $LOG" >&2
  exit 1
fi
if [[ -n $pmem ]]; then
  tests/vm/run --timeout 900 demo
else
  "$DEMO" ${keep:+"$keep"}
fi
