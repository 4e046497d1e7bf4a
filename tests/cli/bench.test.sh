# bench.test.sh: the rows of bench/: every page compiles, is the net that its row says, scales, and has a peer. Nothing is timed here.
. tests/lib.sh
parameters() { # ROW ARGS..
    _row=$1; shift
    "$NNC" "bench/$_row.nn" --summary "$@" 2>"$TMP/err" | awk '$1 == "together" { print $2 }'
}
while read -r row count; do
    got=$(parameters "$row")
    if [ "$got" = "$count" ]; then ok "bench/$row.nn has $count parameters"; else fail "bench/$row.nn has $count parameters" "$got $(head -c 400 "$TMP/err")"; fi
    peer=$(sed -n "s/^    '$row': Row('\([a-z_]*\)'.*/\1/p" bench/rows.py)
    if [ -n "$peer" ] && [ -s "bench/peers/$peer.py" ]; then ok "bench/$row.nn has a peer"; else fail "bench/$row.nn has a peer" "no bench/peers/$peer.py"; fi
done <<END
mlp-tiny 2410
mlp 669706
mlp-wide 10020874
lenet 61706
cnn 307946
lstm 938240
gru-small 123904
bilstm 164362
maml 1761
maml-conv 112005
protonet 111680
learned 5221
gpt 875264
END
reaches "every page of bench/ is in that list" "$(ls bench/*.nn | wc -l)" "==" 13
reaches "a row with other sizes" "$(parameters mlp -D width=666)" "==" $((785 * 666 + 667 * 666 + 667 * 10))
# where a program's time goes
sed 's/idx("x.idx")/normal()/; s/idx("y.idx")/choose(10)/; s/epochs=1000/steps=10/' bench/mlp-tiny.nn >"$TMP/drawn.nn"
"$NNC" "$TMP/drawn.nn" -o "$TMP/drawn" 2>"$TMP/log" || fail "a row on drawn data compiles" "$(cat "$TMP/log")"
expect "bench --kernels names kernels" 0 "dot" "$TMP/drawn" bench --kernels --steps 20
"$TMP/drawn" bench --steps 20 --threads 1 --json >"$TMP/bench.json" 2>/dev/null
reaches "bench measures" "$(number "$TMP/bench.json" examples_per_s)" ">" 0
# single products and convolutions (bench/kernels): found in every row, said in the peers' words, timed
if command -v python3 >/dev/null && [ -x "$BUILD/bench/kernels" ]; then
    python3 - "$NNC" "$TMP" >"$TMP/shapes" 2>&1 <<'END'
import sys
sys.dont_write_bytecode = True
sys.path[:0] = ['bench', 'bench/kernels']
import rows, shapes
for i, k in enumerate(shapes.kernels(rows.ROWS, sys.argv[1], lambda row: 'bench/%s.nn' % row, lambda row: {})):
    print(k.what.form, k.what, sep=': ')
    open('%s/%d.ir' % (sys.argv[2], i), 'w').write(k.text)
END
    reaches "products and convolutions are found in the rows" "$(grep -c -e '^forward' -e 'gradient: ' "$TMP/shapes")" ">" 100
    if grep -n 'left out' "$TMP/shapes" >"$TMP/err"; then fail "every one has a name" "$(cat "$TMP/err")"; else ok "every one has a name"; fi
    for form in 'forward' 'input gradient' 'weight gradient'; do
        if grep -q "^$form: 64x14x14x6 \* 5x5x16" "$TMP/shapes"; then ok "the second convolution of lenet, $form"; else fail "the second convolution of lenet, $form" "$(head -c 600 "$TMP/shapes")"; fi
    done
    printf 'ours 0 0\nours 1 0\n' | "$BUILD/bench/kernels" "$TMP/0.ir" "$TMP/1.ir" >"$TMP/timed" 2>&1
    reaches "and timed" "$(grep -c '"calls": [1-9]' "$TMP/timed")" "==" 2
else skip "products and convolutions of the rows" "no python3, or not built"; fi
