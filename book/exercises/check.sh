#!/usr/bin/env bash
# Checks the exercises of the book: with our solutions every test passes, and without them every test
# fails, so that no exercise is solved before its reader comes to it. Extra arguments go to cargo.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

echo "exercises: with solutions, every test passes"
cargo test -p exercises -q "$@" --features solutions

echo "exercises: without, every test fails"
cargo test -p exercises "$@" --no-run
tests=$(cargo test -p exercises -q "$@" --test exercises -- --list | grep -c ': test$')
output=$(RUST_BACKTRACE=0 cargo test -p exercises "$@" --test exercises 2>&1 || true)
failed=$(grep -c '^test .* \.\.\. FAILED$' <<<"$output" || true)
if [ "$tests" -eq 0 ] || [ "$failed" -ne "$tests" ]; then
    printf '%s\n' "$output"
    echo "exercises: $failed of $tests tests fail without a solution" >&2
    exit 1
fi
echo "exercises: all $failed tests wait for a reader"
