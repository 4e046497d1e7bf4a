# prototype.test.sh: the programs that the language was designed by. accept/: nnc takes each; refuse/: it refuses each (with the message
# beside it, goldens.test.sh).
. tests/lib.sh
for page in tests/sema/accept/*.nn; do
    check "accepts ${page#tests/sema/accept/}" "$NNC" "$page"
done
for page in tests/sema/refuse/*.nn; do
    "$NNC" --diagnostics=json "$page" >"$TMP/out" 2>&1; got=$?
    if [ $got = 1 ] && grep -q '"code":"E' "$TMP/out" && [ -s "${page%.nn}.err" ]; then ok "refuses ${page#tests/sema/refuse/}"
    else fail "refuses ${page#tests/sema/refuse/}" "exit $got: $(head -c 500 "$TMP/out")"; fi
done
