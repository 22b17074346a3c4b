#!/usr/bin/env bash
# Builds pmend and runs its tests: ./test.sh --help. Environment: PMEND_SEED (seed of randomised tests).
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1

# NAME PRESET LABEL JOBS SECONDS RUNS: a tier is what ctest selects by a label, or LABEL|LABEL, in one build. What mostly
# waits runs more jobs than there are processors; a virtual machine needs little more than one of its two. A label without
# tests is not listed. RUNS: all, or long (only --long).
TIERS=(
  "lint         dev     lint   2 1200 all"
  "replay       dev     replay 2  600 all"
  "unit-asan    asan    unit   2  900 all"
  "kernel       dev     kernel 3 1800 all"
  "crash        dev     crash  4 1800 all"
  "bus          dev     bus    4 1800 all"
  "vm           dev     vm|idle 2 1800 all"
  "vm-long      dev     vm-long 1 7200 long"
  "unit         dev     unit   2  600 long"
  "headers      dev     headers 2 1200 long"
  "bench        dev     bench  1  600 long"
  "tidy         dev     tidy   1 3600 long"
  "unit-tsan    tsan    unit   2 1800 long"
  "unit-clang   clang   unit   2 1200 long"
  "unit-release release unit   2 1200 long"
)
# Minutes long: not run again while no source has changed since they passed, unless asked for.
KEEP=(kernel crash bus vm)
BUILD_SECONDS=3000
OUT=build/test-results
REAP=build/dev/tests/pmend-world-reap # removes the loop devices, mounts and processes that a test left

usage() {
  cat <<'TEXT'
usage: ./test.sh [--again] [--long] [--tier NAME]... [--list] [--help]

Installs missing Debian packages (packages.txt), builds, and runs the tests tier by tier. The last line is
"N passed, N failed, N skipped"; the exit status is 0 only if tests ran and none failed.

  --again      run all tiers; else those of minutes (kernel, crash, bus, vm) that passed with these very sources, on
               this kernel and as this user, are named and not run again. So do --long, --tier and PMEND_SEED
  --long       also clang-tidy, each header compiled alone, unit tests without a sanitizer, with the thread sanitizer,
               by clang and as a release build
  --tier NAME  only this tier; repeatable
  --list       print the tiers, one a line: name, preset, label, when it runs
  --install    only install the packages
  --help       print this

Without root the tests that need it are skipped and say so. PMEND_SEED=N repeats the random choices of an earlier run.
TEXT
}

list_tiers() {
  local name preset label _ runs row
  for row in "${TIERS[@]}"; do
    read -r name preset label _ _ runs <<<"$row"
    echo "$name $preset $label $runs"
  done
}

long=0
again=${PMEND_SEED:+1}
only_install=0
chosen=()
while (($#)); do
  case $1 in
    --long) long=1 again=1 ;;
    --again) again=1 ;;
    --tier)
      chosen+=("${2-}") again=1
      if ! list_tiers | cut -d' ' -f1 | grep -qxF -- "${2-}"; then
        echo "test.sh: --tier: '${2-}' is none of $(list_tiers | cut -d' ' -f1 | paste -sd' ')" >&2
        exit 64
      fi
      shift
      ;;
    --list) list_tiers; exit 0 ;;
    --install) only_install=1 ;;
    --help | -h) usage; exit 0 ;;
    *) echo "test.sh: unknown argument '$1' (see ./test.sh --help)" >&2; exit 64 ;;
  esac
  shift
done

child=
# Ends what still runs and removes what it left behind.
clean_up() {
  trap - EXIT INT TERM HUP
  if [[ -n $child ]]; then
    kill -TERM "$child" 2>/dev/null
    wait "$child"
    kill -KILL -- "-$child" 2>/dev/null
  fi
  if [[ -x $REAP ]]; then
    "$REAP"
  fi
}
trap clean_up EXIT
trap 'echo "test.sh: interrupted" >&2; exit 130' INT
trap 'echo "test.sh: terminated" >&2; exit 143' TERM HUP

# limited SECONDS LOG COMMAND...: `timeout` leads a process group of its own, so that a limit or an interruption ends
# all of it, also what ignores SIGTERM and outlives its parent. Waiting for a background job lets the traps run at once.
limited() {
  local seconds=$1 log=$2 status
  shift 2
  timeout -k 20 "$seconds" "$@" >"$log" 2>&1 </dev/null &
  child=$!
  wait "$child"
  status=$?
  kill -KILL -- "-$child" 2>/dev/null
  child=
  return "$status"
}

summary() { python3 tests/summary.py "$OUT" "$@"; }

# step NAME COMMAND...: a part of the run that is no test. Returns its status; a failure is counted.
step() {
  local name=$1 started=$SECONDS status
  shift
  limited "$BUILD_SECONDS" "$OUT/$name.log" "$@"
  status=$?
  summary step "$name" "$status" "$((SECONDS - started))"
  return "$status"
}

missing_packages() {
  local wanted
  wanted=$(awk -v long="$long" '!/^#/ && ($2 == "all" || ($2 == "long" && long)) { print $1 }' packages.txt)
  # shellcheck disable=SC2086  # one word a package
  comm -23 <(sort <<<"$wanted") \
    <(dpkg-query -W -f='${db:Status-Status} ${Package}\n' $wanted 2>/dev/null | sed -n 's/^installed //p' | sort -u)
}

install_packages() {
  local missing
  command -v dpkg-query >/dev/null || return 0
  mapfile -t missing < <(missing_packages)
  ((${#missing[@]})) || return 0
  if ((EUID != 0)); then
    echo "packages are missing; going on without. To install them: sudo apt-get install ${missing[*]}"
    return 0
  fi
  echo "== packages: ${missing[*]}"
  step packages-update apt-get update &&
    step packages env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"
}

# build PRESET TARGET
build() {
  echo "== build $1: $2"
  step "configure-$1" cmake --preset "$1" &&
    step "build-$1-$2" cmake --build --preset "$1" --target "$2"
}

# One line for all that a tier's result depends on: every source file, the kernel, the user, the devices it needs.
state_of_sources() {
  {
    git ls-files -co --exclude-standard -z 2>/dev/null || find . -path ./build -prune -o -type f -print0
  } | sort -z | xargs -0 sha256sum 2>/dev/null | cat - <(uname -r; id -u; ls /dev/fuse /dev/loop-control 2>&1) | sha256sum | cut -d' ' -f1
}

# True if the tier passed before in the state that the sources have now.
passed_before() {
  [[ -z $again && " ${KEEP[*]} " == *" $1 "* && $(cat "build/$2/passed-$1" 2>/dev/null) == "$sources" ]]
}

count_tests() { ctest --test-dir "build/$1" -N -L "^($2)\$" | sed -n 's/^Total Tests: //p'; }

run_tier() {
  local name=$1 preset=$2 label=$3 jobs=$4 seconds=$5 count started=$SECONDS status
  count=$(count_tests "$preset" "$label")
  if [[ $count == 0 ]]; then
    return 0
  fi
  if passed_before "$name" "$preset"; then
    echo "== $name: $count tests passed with these sources before: not run again (--again runs them)"
    return 0
  fi
  rm -f "build/$preset/passed-$name"
  echo "== $name: $count tests"
  limited "$seconds" "$OUT/$name.log" ctest --test-dir "build/$preset" -L "^($label)\$" -j "$jobs" --no-tests=error \
    --output-junit "$PWD/$OUT/$name.xml"
  status=$?
  summary tier "$name" "$preset" "$status" "$((SECONDS - started))"
  if [[ $status == 0 && $(state_of_sources) == "$sources" ]]; then
    echo "$sources" >"build/$preset/passed-$name"
  fi
}

wanted() {
  local name=$1 runs=$2
  if ((${#chosen[@]})); then
    [[ " ${chosen[*]} " == *" $name "* ]]
  else
    [[ $runs == all ]] || ((long))
  fi
}

rm -rf "$OUT"
mkdir -p "$OUT"
if ((only_install)); then
  install_packages
  exit
fi
export PMEND_SEED=${PMEND_SEED:-$((RANDOM * 32768 + RANDOM))}
echo "PMEND_SEED=$PMEND_SEED"
if ((long)); then
  export PMEND_LONG=1
fi
install_packages
sources=$(state_of_sources)
declare -A built=()
for row in "${TIERS[@]}"; do
  read -r name preset label jobs seconds runs <<<"$row"
  wanted "$name" "$runs" || continue
  # Unit tests are not part of `all`: they are built for the presets that run them.
  target=all
  [[ $label != unit ]] || target=unit_tests
  if [[ -z ${built[$preset $target]-} ]]; then
    build "$preset" "$target"
    built[$preset $target]=$?
  fi
  if [[ ${built[$preset $target]} == 0 ]]; then
    run_tier "$name" "$preset" "$label" "$jobs" "$seconds"
  fi
done
clean_up
echo "== $SECONDS s in all"
summary total
