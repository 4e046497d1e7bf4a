# scaling.test.sh: a scan's length does not change the compile time; a net of `repeat` is linear in it; pages compile in a moment.
# Times are of user CPU, and limits generous (twice what is promised on a quiet machine: 0.5 s, 0.7 s, 1 s), for others work here too.
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

# What people write: source to executable
cat >"$TMP/lstm128.nn" <<'X'
data d { x: [128, 16] = normal(); y: class(4) = choose(4) }
model m(xs: [t, 16]) -> [4] { xs |> lstm(64) |> lstm(64) |> last |> dense(4) }
train m on d, batch=32, steps=10 { minimize cross_entropy(m(x), y) by adam(1e-3) }
X
sed 's/128/8192/' "$TMP/lstm128.nn" >"$TMP/lstm8192.nn"
for n in 5 5000; do sed "s/support_y, 1,/support_y, $n,/" examples/maml.nn >"$TMP/maml$n.nn"; done
grep -q 'support_y, 5000,' "$TMP/maml5000.nn" || fail "MAML's inner steps" "examples/maml.nn reads otherwise now"
quick() { # quick NAME PAGE LIMIT: leaves the seconds in $took
    rm -f "$TMP/c"
    took=$(cpu "$NNC" "$2" -o "$TMP/c")
    [ -x "$TMP/c" ] || fail "compiling $1" "$(cat "$TMP/cpu.err")"
    reaches "$1 compiles in a moment ($took s)" "$took" "<" "$3"
}
quick "LeNet" examples/lenet.nn 1
quick "an LSTM of two layers, 128 steps" "$TMP/lstm128.nn" 1.4; short=$took
quick "an LSTM of two layers, 8192 steps" "$TMP/lstm8192.nn" 1.4
reaches "however many steps ($took s, $short s)" "$took" "<" "$short * 1.3 + 0.03"
quick "MAML with 5 inner steps" "$TMP/maml5.nn" 2; short=$took
quick "MAML with 5000 inner steps" "$TMP/maml5000.nn" 2
reaches "however many inner steps ($took s, $short s)" "$took" "<" "$short * 1.3 + 0.03"
