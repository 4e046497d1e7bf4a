# docs.test.sh: the documentation is true: pages in it compile (or are refused with the code they say), files it names exist,
# every primitive and library function is in the reference.
. tests/lib.sh
awk -v out="$TMP" '
    /^```nn/ { n++; file = out "/doc" n ".nn"; line[n] = NR; split($0, w, "error="); code[n] = w[2]; inside = 1; next }
    /^```/ { inside = 0; next }
    inside { print > file }
    END { for (i = 1; i <= n; i++) print i, line[i], code[i] }' grammar/README.md >"$TMP/list"
[ -s "$TMP/list" ] || fail "grammar/README.md" "no pages in it"
while read -r i line code; do
    "$NNC" "$TMP/doc$i.nn" >"$TMP/out" 2>&1; got=$?
    if [ -z "$code" ]; then
        if [ $got = 0 ]; then ok "reference line $line"; else fail "reference line $line" "$(head -c 500 "$TMP/out")"; fi
    elif [ $got = 1 ] && grep -q "error\[$code" "$TMP/out"; then ok "reference line $line is refused"
    else fail "reference line $line" "exit $got, wanted $code: $(head -c 500 "$TMP/out")"; fi
done <"$TMP/list"
for file in README.md CONTRIBUTING.md compiler/README.md runtime/README.md tests/README.md grammar/README.md examples/README.md; do
    [ -e $file ] || { fail "$file" "is missing"; continue; }
    missing=
    for path in $(grep -o '`[a-z][A-Za-z0-9_./-]*\.\(c\|h\|def\|nn\|sh\|l\|y\|md\|txt\|csv\)`' $file | tr -d '`' | sort -u); do
        base=$(dirname $file)
        case $path in *NAME*|x.*|page.nn|wrong.nn) continue ;; esac
        [ -e "$base/$path" ] || [ -e "$path" ] || find compiler runtime examples tests grammar -name "$(basename "$path")" | grep -q . || missing="$missing $path"
    done
    if [ -z "$missing" ]; then ok "$file names files that exist"; else fail "$file names files that exist" "not:$missing"; fi
done
missing=
for name in $(sed -n 's/^BUILTIN("\([a-z_0-9]*\)",.*/\1/p' compiler/sema/builtin.def) $(sed -n 's/^\(def\|optimizer\) \([a-z_0-9]*\)(.*/\2/p' runtime/library/*.nn); do
    grep -q "\`$name\|[\`( ]$name(" grammar/README.md || missing="$missing $name"
done
if [ -z "$missing" ]; then ok "the reference lists every function"; else fail "the reference lists every function" "not:$missing"; fi
missing=
for code in $(sed -n 's/^DIAG(\([EW][0-9]*\),.*/\1/p' compiler/base/diag_*.def); do
    grep -rqsw "$code" tests --include=*.err --include=*.c --include=*.h --include=*.sh || missing="$missing $code"
done
if [ -z "$missing" ]; then ok "every code has a test"; else fail "every code has a test" "not:$missing"; fi
