# cpus.test.sh: code for AVX2 (x86-64-v3) and code for AVX-512 (x86-64-v4) write the same bytes: tiles, vectors and tasks differ, sums do not.
. tests/lib.sh
"$NNC" --cpu=x86-64-v3 --emit=asm examples/digits.nn >"$TMP/v3.s" 2>"$TMP/log"
"$NNC" --cpu=x86-64-v4 --emit=asm examples/digits.nn >"$TMP/v4.s" 2>>"$TMP/log"
reaches "x86-64-v3: no register of AVX-512" "$(grep -c -e '%zmm' -e '%k[1-7]' "$TMP/v3.s")" "==" 0
reaches "x86-64-v4: registers of AVX-512" "$(grep -c '%zmm' "$TMP/v4.s")" ">" 0
if ! grep -q 'avx512f.*avx512bw.*avx512vl' /proc/cpuinfo; then skip "AVX2 and AVX-512" "this processor has no AVX-512"; exit 0; fi
both() { same "$1: weights" "$2/model.safetensors" "$3/model.safetensors"; same "$1: log.csv" "$2/log.csv" "$3/log.csv"; }
sed 's/idx("x.idx")/normal()/; s/idx("y.idx")/choose(10)/; s/epochs=1000/steps=1000/' bench/lenet.nn >"$TMP/lenet.nn"
sed 's/idx("x.idx")/choose(256)/; s/idx("y.idx")/choose(256)/; s/epochs=1000/steps=1000/' bench/gru-small.nn >"$TMP/gru-small.nn"
compared() { # compared PAGE STEPS DTYPE
    _name="$(basename "$1" .nn) $3"
    rm -rf "$TMP"/run.*
    for cpu in v3 v4; do
        "$NNC" --cpu=x86-64-$cpu --dtype=$3 "$1" -o "$TMP/$cpu" 2>"$TMP/log" && "$TMP/$cpu" train --steps $2 --threads 2 --out "$TMP/run.$cpu" >"$TMP/log" 2>&1 ||
            fail "$_name $cpu" "$(tail -c 400 "$TMP/log")"
    done
    both "$_name: AVX2 and AVX-512" "$TMP/run.v3" "$TMP/run.v4"
}
for page in examples/digits.nn examples/maml.nn tests/bits/*.nn; do compared "$page" 20 f32; done
for page in "$TMP/lenet.nn" "$TMP/gru-small.nn"; do compared "$page" 2 f32; done
for page in examples/digits.nn tests/bits/lstm.nn tests/bits/normalised.nn; do compared "$page" 20 f64; done
# a run that moves from one processor to another
for cpu in v3 v4; do "$NNC" --cpu=x86-64-$cpu examples/digits.nn -o "$TMP/$cpu" 2>"$TMP/log" || fail "digits $cpu" "$(cat "$TMP/log")"; done
"$TMP/v4" train --epochs 4 --out "$TMP/whole" >"$TMP/log" 2>&1
"$TMP/v3" train --epochs 2 --out "$TMP/moved" >"$TMP/log" 2>&1
if "$TMP/v4" train --resume "$TMP/moved" --epochs 4 >"$TMP/log" 2>&1; then both "begun with AVX2, resumed with AVX-512" "$TMP/whole" "$TMP/moved"; else fail "resume on another processor" "$(tail -c 400 "$TMP/log")"; fi
