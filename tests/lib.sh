# lib.sh: what every test script begins with. A script prints a line a test: `ok NAME`, `FAIL NAME: why` or `skip NAME: why`;
# run.sh adds them up. Scripts run from the repository's root, in any order, two at a time, each with a folder of its own in $TMP.
BUILD=${BUILD:-build}
case $BUILD in /*) ;; *) BUILD=$PWD/$BUILD ;; esac
NNC=$BUILD/nnc
DATA=${NNC_DATA:-$PWD/../shared/data}      # larger data; tests that want it skip where it is absent
REFERENCE=${NNC_REFERENCE:-$PWD/../shared/reference}
TMP=$(mktemp -d)
trap 'rm -rf "$TMP"' EXIT
export NO_COLOR=1 LC_ALL=C

ok() { echo "ok $1"; }
fail() { local name=$1; shift; echo "FAIL $name: $*" | tr '\n' ' '; echo; }
skip() { local name=$1; shift; echo "skip $name: $*"; }
# check NAME COMMAND...: the command must succeed; its output is shown if not
check() {
    _name=$1; shift
    if "$@" >"$TMP/check.out" 2>&1; then ok "$_name"; else fail "$_name" "exit $?: $(tail -c 600 "$TMP/check.out")"; fi
}
# expect NAME CODE TEXT COMMAND...: it must exit with CODE and say TEXT (a basic regular expression) on either stream
expect() {
    _name=$1 _code=$2 _text=$3; shift 3
    "$@" >"$TMP/expect.out" 2>&1; _got=$?
    if [ $_got != "$_code" ]; then fail "$_name" "exit $_got, not $_code: $(head -c 600 "$TMP/expect.out")"
    elif ! grep -q -e "$_text" "$TMP/expect.out"; then fail "$_name" "no '$_text' in: $(head -c 600 "$TMP/expect.out")"
    else ok "$_name"; fi
}
# unsanitized NAME: what follows to the script's end measures times or sizes, which `make san` does not
unsanitized() { if [ -n "$NN_SANITIZE" ]; then skip "$1" "not under the sanitizers"; exit 0; fi; }
same() { # same NAME FILE FILE: equal bytes
    if cmp -s "$2" "$3"; then ok "$1"; else fail "$1" "$2 and $3 differ: $(cmp "$2" "$3" 2>&1)"; fi
}
# number NAME FILE KEY: prints the value of "KEY": in the last line of a file of JSON lines
number() { tail -n 1 "$1" | sed -n "s/.*\"$2\":\([-+.0-9einfa]*\).*/\1/p"; }
# reaches NAME VALUE OP LIMIT (OP: >= <= < >)
reaches() {
    if [ -n "$2" ] && awk "BEGIN { exit !($2 $3 $4) }"; then ok "$1"; else fail "$1" "$2 is not $3 $4"; fi
}
