#!/bin/bash
# run.sh: runs test scripts (all of tests/*/*.sh and tests/*.test.sh, or those named), two at a time, and adds up their lines.
# Prints each failure and skip, a line a script with its seconds, and at the end `N passed, N failed, N skipped`.
cd "$(dirname "$0")/.." || exit 2
scripts=("$@")
if [ $# = 0 ]; then mapfile -t scripts < <(ls tests/*.test.sh tests/*/*.test.sh | sort); fi
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
run_one() {
    local start end log
    log=$1/$(echo "$2" | tr / _).log
    start=$(date +%s%N)
    bash "$2" >"$log" 2>"$log.err"
    local code=$?
    end=$(date +%s%N)
    [ $code = 0 ] || grep -q '^FAIL' "$log" || echo "FAIL $2: exit $code: $(tail -c 400 "$log.err" | tr '\n' ' ')" >>"$log"
    grep -q -e '^ok' -e '^FAIL' -e '^skip' "$log" || echo "FAIL $2: it ran no test" >>"$log"
    grep -e '^FAIL' -e '^skip' "$log"
    printf '%6.1f s  %-40s %s passed\n' "$(echo "$start $end" | awk '{print ($2-$1)/1e9}')" "$2" "$(grep -c '^ok' "$log")"
}
export -f run_one
printf '%s\n' "${scripts[@]}" | xargs -P "${JOBS:-2}" -I{} bash -c 'run_one "$0" "$1"' "$out" {}
passed=$(cat "$out"/*.log | grep -c '^ok ') failed=$(cat "$out"/*.log | grep -c '^FAIL ') skipped=$(cat "$out"/*.log | grep -c '^skip ')
if [ "$skipped" -gt 0 ]; then echo "$passed passed, $failed failed, $skipped skipped"; else echo "$passed passed, $failed failed"; fi
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
