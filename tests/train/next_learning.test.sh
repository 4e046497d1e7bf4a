# next_learning.test.sh: the examples that learn to learn, in a small form.
. tests/lib.sh
. tests/train/small.sh
small fomaml "" --steps 400 && falls fomaml && says fomaml net before ">" 2
small meta_sgd "" --steps 400 && falls meta_sgd && says meta_sgd net loss "<" 2
small reptile "" --steps 3000 && says reptile net after_32 "<" 1.5 && says reptile net after_0 ">" 2
small learned_rate "" --steps 100 && falls learned_rate
small learned_optimizer "" --steps 100 && falls learned_optimizer learned 0.8 && for rule in sgd adam rmsprop; do
    says learned_optimizer $rule loss "<" 45        # they begin near their best
done
small hochreiter "" --steps 300 && falls hochreiter learns 0.7 && says hochreiter control loss ">" 0.35
small mann "" --steps 150 && falls mann memory && falls mann control
data hypergradient mnist && small hypergradient "" --data mnist="$DATA/mnist" --limit-train 20000 --epochs 2 && {
    says hypergradient learned loss "<" 0.5 --data mnist="$DATA/mnist" && says hypergradient plain loss ">" 0.7 --data mnist="$DATA/mnist"
}
# M1 of the design: one weight, one bias, x^2
if "$NNC" tests/train/square.nn -o "$TMP/square" >"$TMP/log" 2>&1 && "$TMP/square" train --out "$TMP/square.run" >"$TMP/log" 2>&1; then
    says square "" last "<" 1e-5 && says square "" weight "<" -0.44 && says square "" weight ">" -0.52
else fail "a learned optimizer for x^2" "$(tail -c 500 "$TMP/log")"; fi
# A page that imports one and starts from its run, both beside each other as in examples/
mkdir -p "$TMP/pages" && cp examples/learned_optimizer.nn examples/use_learned.nn "$TMP/pages" && cp -r examples/data "$TMP/pages" &&
    "$TMP/learned_optimizer" train learned --steps 300 --out "$TMP/pages/rule" >"$TMP/log" 2>&1 &&
    "$NNC" "$TMP/pages/use_learned.nn" -o "$TMP/use_learned" >"$TMP/log" 2>&1 &&
    "$TMP/use_learned" train --out "$TMP/use_learned.run" >"$TMP/log" 2>&1 || fail "use_learned" "$(tail -c 500 "$TMP/log")"
says use_learned mlp accuracy ">" 0.8
: # a set that is not there is no failure
