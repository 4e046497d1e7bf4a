# units.test.sh: runs the C unit programs of tests/unit that `make` has built in $BUILD/unit; each prints its own ok/FAIL lines.
. tests/lib.sh
for source in tests/unit/*_test.c; do
    name=$(basename "$source" .c)
    timeout 300 "$BUILD/unit/$name" >"$TMP/out" 2>"$TMP/err"
    code=$?
    grep -e '^ok ' -e '^FAIL ' -e '^skip ' "$TMP/out" | sed "s/^\(ok\|FAIL\|skip\) /\1 $name /"
    if [ $code != 0 ] && ! grep -q '^FAIL' "$TMP/out"; then fail "$name" "exit $code: $(tail -c 500 "$TMP/err")"; fi
    grep -q -e "^ok " -e "^skip " "$TMP/out" || fail "$name" "it printed no ok line"
done
