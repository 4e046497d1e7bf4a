# prototype.test.sh: the programs that the language was designed by. accept/: nnc takes each; refuse/: it refuses each (with the message
# beside it, goldens.test.sh); later/: it refuses each for what the next release brings, and for nothing else (a page that stops failing here moves to accept/).
. tests/lib.sh
for page in tests/sema/accept/*.nn; do
    check "accepts ${page#tests/sema/accept/}" "$NNC" "$page"
done
for page in tests/sema/refuse/*.nn; do
    "$NNC" --diagnostics=json "$page" >"$TMP/out" 2>&1; got=$?
    if [ $got = 1 ] && grep -q '"code":"E' "$TMP/out" && [ -s "${page%.nn}.err" ]; then ok "refuses ${page#tests/sema/refuse/}"
    else fail "refuses ${page#tests/sema/refuse/}" "exit $got: $(head -c 500 "$TMP/out")"; fi
done
for page in tests/sema/later/*.nn; do
    name="of the next release: ${page#tests/sema/later/}"
    "$NNC" --diagnostics=json "$page" >"$TMP/out" 2>"$TMP/err"; got=$?
    others=$(cat "$TMP/out" "$TMP/err" | grep -v '"code":"E390"')
    if [ $got != 1 ]; then fail "$name" "exit $got: $(tail -c 500 "$TMP/err")"
    elif [ -n "$others" ]; then fail "$name" "also: $(echo "$others" | head -c 500)"
    elif ! grep -q 'comes with the next release' "$TMP/out" "$TMP/err"; then fail "$name" "not said"
    else ok "$name"; fi
done
