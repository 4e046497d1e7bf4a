# engines.test.sh: interpreter, -O0, -O1, -O2 and -O3 write the same bytes after 20 steps, in f32 and f64; fewer where a page says "# engines: N steps".
. tests/lib.sh
steps() {
    local own; own=$(sed -n 's/^# engines: \([0-9]*\) steps.*/\1/p' "$_page")
    echo "${own:-${STEPS:-20}}"
}
engine() { # engine NAME OUT PAGE FLAGS..: trains PAGE 20 steps by one engine
    _kind=$1 _out=$2 _page=$3; shift 3
    case $_kind in
    interpret) "$NNC" run --interpret "$@" "$_page" train --steps "$(steps)" --out "$_out" ;;
    *) "$NNC" run "$_kind" "$@" "$_page" train --steps "$(steps)" --out "$_out" ;;
    esac >"$TMP/log" 2>&1
}
for page in examples/digits.nn examples/iris.nn examples/curvature.nn examples/maml.nn examples/own_layer.nn tests/bits/*.nn; do
    name=$(basename "$page" .nn)
    for dtype in f32 f64; do
        rm -rf "$TMP"/run.*
        if ! engine interpret "$TMP/run.interpret" "$page" --dtype=$dtype; then fail "$name $dtype interpreted" "$(tail -c 400 "$TMP/log")"; continue; fi
        for level in -O0 -O1 -O2 -O3; do
            if ! engine $level "$TMP/run.$level" "$page" --dtype=$dtype; then fail "$name $dtype $level" "$(tail -c 400 "$TMP/log")"; continue; fi
            same "$name $dtype: interpreter and $level" "$TMP/run.interpret/model.safetensors" "$TMP/run.$level/model.safetensors"
        done
    done
done
