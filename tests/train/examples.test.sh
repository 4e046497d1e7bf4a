# examples.test.sh: the examples that bring their data train to what they promise, measured on rows the training never saw.
. tests/lib.sh
trains() { # trains PAGE ARGS...: compiles it, trains it into $TMP/PAGE.run
    name=$1; shift
    if ! "$NNC" "examples/$name.nn" -o "$TMP/$name" >"$TMP/log" 2>&1; then fail "$name compiles" "$(tail -c 500 "$TMP/log")"; return 1; fi
    if ! "$TMP/$name" train --out "$TMP/$name.run" "$@" >"$TMP/log" 2>&1; then fail "$name trains" "$(tail -c 500 "$TMP/log")"; return 1; fi
}
measure() { # measure PAGE SPLIT [BLOCK]: the JSON of eval in $TMP/PAGE.json
    name=$1 split=$2; shift 2
    "$TMP/$name" eval "$@" --from "$TMP/$name.run" --split "$split" --json >"$TMP/$name.json" 2>"$TMP/log" || fail "eval $name" "$(tail -c 500 "$TMP/log")"
}
trains digits && measure digits test && reaches "digits: accuracy of the test rows" "$(number "$TMP/digits.json" accuracy)" ">=" 0.96
trains iris && measure iris test && reaches "iris: 70 of 75 test flowers" "$(number "$TMP/iris.json" accuracy)" ">=" 0.9333
trains xor && measure xor train && reaches "xor: all four rows" "$(number "$TMP/xor.json" right)" "==" 1
trains regression && measure regression test && reaches "regression: r2 of the test rows" "$(number "$TMP/regression.json" r2)" ">=" 0.9
trains own_layer && measure own_layer test && reaches "own_layer: accuracy of the test rows" "$(number "$TMP/own_layer.json" accuracy)" ">=" 0.95
trains curvature && measure curvature test && reaches "curvature: error against sin(t)" "$(number "$TMP/curvature.json" rmse)" "<" 0.02
if trains descent; then
    for block in batch stochastic mini_batch; do
        measure descent test $block && reaches "descent: $block" "$(number "$TMP/descent.json" accuracy)" ">=" 0.93
    done
fi
if trains maml --steps 1000; then
    measure maml test
    reaches "maml: before adapting" "$(number "$TMP/maml.json" before)" ">" 2.5
    reaches "maml: after one step it is better" "$(number "$TMP/maml.json" loss)" "<" 2.2
    reaches "maml: after ten steps better still" "$(number "$TMP/maml.json" after_10)" "<" 1.2
fi
"$TMP/digits" predict --from "$TMP/digits.run" >"$TMP/rows.csv" 2>/dev/null
reaches "predict: a row for each test row" "$(wc -l <"$TMP/rows.csv")" "==" 360
if [ "$(head -n 1 "$TMP/rows.csv")" = "digit,confidence" ]; then ok "predict: header"; else fail "predict: header" "$(head -n 1 "$TMP/rows.csv")"; fi
"$TMP/iris" predict --from "$TMP/iris.run" 2>/dev/null | sed -n 2p >"$TMP/species"
if grep -q setosa "$TMP/species"; then ok "predict: names of classes"; else fail "predict: names of classes" "$(cat "$TMP/species")"; fi
