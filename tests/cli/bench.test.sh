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
