#!/usr/bin/env bash
# Checks the exercises of the book: with our solutions every test passes, and without them every test
# fails, so that no exercise is solved before its reader comes to it. Extra arguments go to cargo.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

echo "exercises: with solutions, every test passes"
cargo test -p exercises -q "$@" --features solutions

echo "exercises: without, every test fails"
cargo test -p exercises "$@" --no-run
output=$(RUST_BACKTRACE=0 cargo test -p exercises "$@" --test exercises 2>&1 || true)
passed=$(grep -c '^test .* \.\.\. ok$' <<<"$output" || true)
failed=$(grep -c '^test .* \.\.\. FAILED$' <<<"$output" || true)
if [ "$passed" -ne 0 ] || [ "$failed" -eq 0 ]; then
    printf '%s\n' "$output"
    echo "exercises: $passed passed without a solution, $failed failed" >&2
    exit 1
fi
echo "exercises: all $failed tests wait for a reader"
