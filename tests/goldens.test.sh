# goldens.test.sh: each input with neighbours: the neighbour's extension picks what nnc is asked for.
#
#   x.nn   x.ast x.ir x.settled x.plan x.loop x.llvm   nnc --emit=STAGE x.nn
#          x.err                                       nnc ARGS x.nn must exit 1 with this on standard error
#          x.out                                       nnc run x.nn ARGS, standard output
#   x.ir   x.PASS.ir                                   nnc --from-ir x.ir --pass=PASS --emit=ir
# A line `#: ARGS` in the page gives arguments (for .err: of nnc; beginning with `run`: of nnc run); `#: code N` another exit code.
# BLESS=1 rewrites the goldens.
. tests/lib.sh
golden() { # golden NAME FILE: compares $TMP/got with FILE; the folder of the checkout is written ROOT
    sed -i "s#$PWD#ROOT#g" "$TMP/got"
    if [ -n "$BLESS" ]; then cmp -s "$TMP/got" "$2" || { cp "$TMP/got" "$2"; echo "blessed $2" >&2; }; ok "$1"
    elif cmp -s "$TMP/got" "$2"; then ok "$1"
    else fail "$1" "$(diff "$2" "$TMP/got" | head -12)"; fi
}
for page in $(find tests ${GOLDENS_ONLY:-} -name '*.nn' -o -name '*.ir' | sort); do
    base=${page%.*} dir=$(dirname "$page") name=$(basename "$page")
    case $page in
    *.nn)
        args=$(sed -n 's/^#: *//p' "$page" | grep -v '^code ' | head -n 1)
        code=$(sed -n 's/^#: *code *//p' "$page" | head -n 1)
        for golden in "$base".ast "$base".ir "$base".settled "$base".plan "$base".loop "$base".llvm; do
            [ -e "$golden" ] || continue
            # shellcheck disable=SC2086
            (cd "$dir" && timeout 60 "$NNC" --emit="${golden##*.}" $args "$name") >"$TMP/got" 2>"$TMP/err" || cat "$TMP/err" >>"$TMP/got"
            golden "${golden#tests/}" "$golden"
        done
        if [ -e "$base.err" ]; then
            # shellcheck disable=SC2086
            case $args in
            run*) (cd "$dir" && timeout 60 "$NNC" run "$name" ${args#run} --out "$TMP/run") 2>"$TMP/got" >/dev/null; got=$? ;;
            *) (cd "$dir" && timeout 60 "$NNC" $args "$name") 2>"$TMP/got" >/dev/null; got=$? ;;
            esac
            if [ $got != "${code:-1}" ]; then fail "${base#tests/}.err" "exit $got, not ${code:-1}: $(head -c 300 "$TMP/got")"; else golden "${base#tests/}.err" "$base.err"; fi
            rm -rf "$TMP/run"
        fi
        if [ -e "$base.out" ]; then
            # shellcheck disable=SC2086
            (cd "$dir" && timeout 60 "$NNC" run "$name" ${args#run} --out "$TMP/run") >"$TMP/got" 2>"$TMP/err" || cat "$TMP/err" >>"$TMP/got"
            golden "${base#tests/}.out" "$base.out"
            rm -rf "$TMP/run"
        fi ;;
    *.ir)
        for golden in "$base".*.ir; do
            [ -e "$golden" ] || continue
            pass=${golden#"$base".} pass=${pass%.ir}
            timeout 60 "$NNC" --from-ir "$page" --pass="$pass" --emit=ir >"$TMP/got" 2>&1
            golden "${golden#tests/}" "$golden"
        done ;;
    esac
done
