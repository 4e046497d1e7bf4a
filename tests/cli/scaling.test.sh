# scaling.test.sh: a scan's length does not change the compile time; a net of `repeat` is linear in it; source to first step is short.
# Times are of user CPU, and limits generous: the ratio is what is tested.
. tests/lib.sh
unsanitized "times of compiling"
cpu() { # seconds of CPU that a command takes, the least of three
    best=
    for _ in 1 2 3; do
        t=$( { TIMEFORMAT='%U'; time "$@" >/dev/null 2>"$TMP/cpu.err"; } 2>&1 )
        best=$(awk "BEGIN { b = \"$best\"; print b == \"\" || $t < b ? $t : b }")
    done
    echo "$best"
}
loop() { sed "s/ROUNDS/$1/" >"$TMP/loop$1.nn" <<'X'
data d { x: [4] = normal() }
model m(x: [4]) -> [4] { h = x; scan _ in 0..ROUNDS { h = tanh(h |> dense(4)) + x }; h }
train m on d, batch=8, steps=10 { minimize sum(m(x)^2) by adam(1e-3) }
X
}
deep() { sed "s/ROUNDS/$1/" >"$TMP/deep$1.nn" <<'X'
data d { x: [8] = normal() }
model m(x: [8]) -> [8] { repeat ROUNDS { x = x |> dense(8) |> relu }; x }
train m on d, batch=8, steps=10 { minimize sum(m(x)^2) by sgd(1e-3) }
X
}
for n in 10 10000; do loop $n; done
for n in 50 200; do deep $n; done
short=$(cpu "$NNC" "$TMP/loop10.nn" -o "$TMP/a") long=$(cpu "$NNC" "$TMP/loop10000.nn" -o "$TMP/a")
[ -x "$TMP/a" ] || fail "compiling loops" "$(cat "$TMP/cpu.err")"
reaches "a loop of 10000 rounds compiles like one of 10 ($long s, $short s)" "$long" "<" "$short * 1.2 + 0.03"
few=$(cpu "$NNC" "$TMP/deep50.nn" -o "$TMP/b") many=$(cpu "$NNC" "$TMP/deep200.nn" -o "$TMP/b")
[ -x "$TMP/b" ] || fail "compiling a deep net" "$(cat "$TMP/cpu.err")"
reaches "repeat 200 takes four times repeat 50, no more ($many s, $few s)" "$many" "<" "$few * 6"
