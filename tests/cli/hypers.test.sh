# hypers.test.sh: a list made of hypers: a flag of the program while nothing needs its numbers, fixed when a shape does.
. tests/lib.sh
cat >"$TMP/flags.nn" <<'X'
data d { x: [4] = ones(4) }
model m(x: [4]) -> [4] { param w: [4] = 0; w + x }
train m on d, batch=2, steps=1 {
    rates = [lr, 1]
    total = 0
    repeat r in [lr, 2 * lr] { total = total + r }
    report total
    report first = rates[0]
    report last = rates[-1]
    minimize sum(m(x)^2) by sgd(rates[0])
}
hyper lr = 0.5 in [0, 10]
X
"$NNC" "$TMP/flags.nn" -o "$TMP/flags" >"$TMP/log" 2>&1 && "$TMP/flags" train --lr 3 --out "$TMP/run" >"$TMP/log" 2>&1 || fail "a list of hypers" "$(tail -c 500 "$TMP/log")"
for pair in "total 9" "first 3" "last 1"; do
    set -- $pair
    "$TMP/flags" eval --from "$TMP/run" --lr 3 --json >"$TMP/flags.json" 2>"$TMP/log"
    reaches "a list of hypers is a flag: $1" "$(number "$TMP/flags.json" "$1")" "==" "$2"
done
cat >"$TMP/sizes.nn" <<'X'
hyper width = 4
data d { x: [4] = normal() }
model m(x: [4]) -> [2] {
    repeat n in [width, 2 * width] { x = x |> dense(n) |> relu }
    x |> dense(2)
}
train m on d, batch=2, steps=1 { minimize sum(m(x)^2) by adam(1e-3) }
X
expect "sizes in a list of hypers" 0 "m.dense_2.weight *\[3, 6\]" "$NNC" "$TMP/sizes.nn" -D width=3 --summary
