#!/usr/bin/env bash
# Do the models and the scenarios see broken code? Each patch in this folder breaks one protocol on purpose and says
# what it breaks, which model must go red, and what that model must complain about.
#
#   tests/mutants/check.sh                      every mutant
#   tests/mutants/check.sh NAME...              these only
#   tests/mutants/check.sh --shuttle [NAME...]  whole runtimes under shuttle instead of the models
#
# With `--shuttle` it is a scenario of `src/schedules` that must go red. Tried are the patches that name
# one: some of those that need no weak memory. They must be found in the schedules that .ci/run tries.
#
# The patches are applied to a copy below target/mutants; the working tree is not touched. A mutant
# survives if its model stays green. One that does not apply, does not compile, does not end or is red
# for another reason proves nothing and fails as well. Without a mutant the models must be green.
# Takes about four minutes, with `--shuttle` two.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
exec </dev/null

readonly COPY=target/mutants
readonly LIMIT=120 # seconds; the slowest model takes a fraction of it
readonly LOG="$PWD/target/mutants.log"
readonly TORN='deadlock|assertion|max_steps|panicked' # how a scenario goes red
# Each mutant is built once and run for a moment, so it is the compiler that must be fast. A model stops at
# the first fault; what is below it is optimised all the same.
export CARGO_INCREMENTAL=1
export CARGO_PROFILE_RELEASE_OPT_LEVEL=0
export CARGO_PROFILE_RELEASE_DEBUG=0
export CARGO_PROFILE_RELEASE_CODEGEN_UNITS=64
export RUST_BACKTRACE=0
checker=loom # or shuttle

# What git tracks or would track, as it is in the working tree.
copy_sources() {
    rm -rf "$COPY"
    mkdir -p "$COPY"
    git ls-files -z --cached --others --exclude-standard |
        while IFS= read -r -d '' file; do [ ! -f "$file" ] || printf '%s\0' "$file"; done |
        tar --null --files-from=- -cf - | tar -xmf - -C "$COPY" # new times: cargo goes by them
}

# Prints the path of the program that has the models in it. It has a build folder of its own: cargo would
# take the copy's package for the original one and leave a mutant behind in target/loom.
build() {
    (cd "$COPY" && RUSTFLAGS="--cfg waterwheel_$checker" cargo test --locked -p waterwheel --release \
        --lib --no-run --config 'profile.release.package."*".opt-level=3' \
        --target-dir "../mutants_$checker" --message-format json 2>>"$LOG") |
        sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' | tail -n 1
}

# field Model FILE: what the head of a patch says.
field() {
    sed -n "s/^$1: //p;/^diff /q" "$2"
}

# Prints the path of the test that must go red.
test_of() {
    case $checker in
    loom) echo "models::$(field Model "$1")" ;;
    shuttle) echo "schedules::$(field Scenario "$1")" ;;
    esac
}

# Are all green that must go red? A quick look.
green() {
    case $checker in
    loom) LOOM_MAX_PREEMPTIONS=1 timeout 600 "$1" models ;;
    shuttle) WATERWHEEL_SHUTTLE_SCHEDULES=100 timeout 600 "$1" schedules ;;
    esac >>"$LOG" 2>&1
}

# Prints how it ended.
try() {
    local patch=$1 reason program status=0
    reason=$(field Reason "$patch")
    [ "$checker" = loom ] || reason=$TORN
    git apply --directory="$COPY" "$patch" 2>>"$LOG" || { echo 'does not apply'; return; }
    program=$(build || true)
    git apply --reverse --directory="$COPY" "$patch"
    [ -n "$program" ] || { echo 'does not compile'; return; }
    # Not captured: a panic while another one unwinds ends the process, and its words would be lost.
    timeout --kill-after=5 "$LIMIT" "$program" --exact "$(test_of "$patch")" --nocapture >"$LOG.one" 2>&1 || status=$?
    cat "$LOG.one" >>"$LOG"
    if [ "$status" -eq 0 ]; then
        grep -q '1 passed' "$LOG.one" && echo survived || echo 'there is no such test'
    elif [ "$status" -eq 124 ] || [ "$status" -eq 137 ]; then
        echo 'did not end'
    elif grep -Eq "$reason" "$LOG.one"; then
        echo caught
    else
        echo 'red for another reason'
    fi
}

main() {
    local names patch name begin result failed=0 pattern='^Model: '
    if [ "${1:-}" = --shuttle ]; then
        checker=shuttle
        pattern='^Scenario: '
        shift
    fi
    names=("$@")
    if [ $# -eq 0 ]; then
        for patch in $(grep -l "$pattern" tests/mutants/*.patch); do
            names+=("$(basename "$patch" .patch)")
        done
    fi
    mkdir -p target
    : >"$LOG"
    copy_sources
    local program
    program=$(build || true)
    if [ -z "$program" ] || ! green "$program"; then
        echo "the tests must be green before they can go red: see $LOG" >&2
        exit 1
    fi
    printf '%-34s %-24s %6s  %s\n' mutant result time test
    for name in "${names[@]}"; do
        patch=tests/mutants/$name.patch
        begin=$SECONDS
        printf '\n==== %s\n' "$name" >>"$LOG"
        result=$(try "$patch")
        [ "$result" = caught ] || failed=$((failed + 1))
        printf '%-34s %-24s %5ds  %s\n' "$name" "$result" $((SECONDS - begin)) "$(test_of "$patch")"
    done
    printf '%d mutants, %d not caught, %d s\n' "${#names[@]}" "$failed" "$SECONDS"
    [ "$failed" -eq 0 ] || { echo "details: $LOG" >&2; exit 1; }
}

main "$@"
