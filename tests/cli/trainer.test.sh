# trainer.test.sh: a trainer's command line, exit codes and the files of a run.
. tests/lib.sh
"$NNC" examples/digits.nn -o "$TMP/digits" 2>"$TMP/log" || { fail "digits compiles" "$(cat "$TMP/log")"; exit 1; }
"$NNC" examples/iris.nn -o "$TMP/iris" 2>"$TMP/log" || fail "iris compiles" "$(cat "$TMP/log")"
T=$TMP/digits
expect "help" 0 "train" "$T" --help
expect "help of train" 0 "lr" "$T" train --help
expect "unknown flag" 2 "did you mean" "$T" train --epoch 3
expect "unknown command" 2 "" "$T" trian
expect "hyper out of range" 2 "lr" "$T" train --lr 5 --out "$TMP/none"
expect "hyper that is no number" 2 "lr" "$T" train --lr fast --out "$TMP/none"
expect "data that is missing" 1 "No such file" "$T" train --data digits="$TMP/none.csv" --out "$TMP/none"
expect "data that is not in the page" 2 "digit" "$T" train --data digit="$TMP" --out "$TMP/none"
expect "output that cannot be written" 5 "" "$T" train --out /proc/none/run
if [ -e "$TMP/none" ]; then fail "nothing is left by what was refused" "$TMP/none exists"; else ok "nothing is left by what was refused"; fi
expect "dry run" 0 "" "$T" train --dry-run --out "$TMP/dry"
expect "from what is no run" 2 "there is no" "$T" eval --from "$TMP/nowhere"
"$T" train --epochs 2 --out "$TMP/run" >"$TMP/out" 2>"$TMP/err" || fail "train" "$(cat "$TMP/err")"
for file in run.json log.csv time.csv last.ckpt model.safetensors test.json report.html; do
    if [ -s "$TMP/run/$file" ]; then ok "a run has $file"; else fail "a run has $file" "$(ls "$TMP/run")"; fi
done
reaches "log.csv: a row a round" "$(wc -l <"$TMP/run/log.csv")" "==" 3
expect "a run is not overwritten" 2 "" "$T" train --epochs 1 --out "$TMP/run"
expect "resume with another hyper" 2 "lr" "$T" train --resume "$TMP/run" --lr 0.5 --epochs 3
expect "resume with nothing left" 0 "" "$T" train --resume "$TMP/run"  --epochs 2
"$T" train --epochs 2 --json --out "$TMP/json" >"$TMP/events" 2>/dev/null
if [ "$(grep -c '^{"event":"round"' "$TMP/events")" = 2 ] && ! grep -qv '^{.*}$' "$TMP/events"; then ok "--json: an object a line"; else fail "--json" "$(head -c 300 "$TMP/events")"; fi
"$T" eval --from "$TMP/run" --split test --json >"$TMP/eval.json" 2>/dev/null
for key in split rows loss accuracy; do
    if grep -q "\"$key\":" "$TMP/eval.json"; then ok "eval --json has $key"; else fail "eval --json has $key" "$(cat "$TMP/eval.json")"; fi
done
reaches "eval counts each row once" "$(number "$TMP/eval.json" rows)" "==" 359
"$T" bench --steps 200 --threads 1 --json >"$TMP/bench.json" 2>/dev/null
for key in examples_per_s step_ms gflops peak_gflops threads first_step_s peak_rss_mb; do
    if grep -q "\"$key\":" "$TMP/bench.json"; then ok "bench --json has $key"; else fail "bench --json has $key" "$(cat "$TMP/bench.json")"; fi
done
"$T" train --steps 0 --out "$TMP/zero" >/dev/null 2>&1; "$T" train --steps 0 --seed 1 --out "$TMP/one" >/dev/null 2>&1
if [ -s "$TMP/zero/model.safetensors" ]; then ok "train --steps 0 writes the initial model"; else fail "train --steps 0 writes the initial model"; fi
if cmp -s "$TMP/zero/model.safetensors" "$TMP/one/model.safetensors"; then fail "another seed, other weights"; else ok "another seed, other weights"; fi
"$T" predict --from "$TMP/run" --rows 5 --format jsonl 2>/dev/null >"$TMP/rows"
reaches "predict --rows 5 as JSON lines" "$(grep -c '^{"digit":[0-9],"confidence":' "$TMP/rows")" "==" 5
"$TMP/iris" predict --from "$TMP/run" >"$TMP/out" 2>&1; code=$?
if [ $code = 0 ]; then fail "parameters of another net are refused"; else ok "parameters of another net are refused"; fi
expect "info" 0 "mlp.dense.weight" "$T" info
# the report
report=$TMP/run/report.html
if grep -q '>is<.*taken for<' "$report" && grep -q '>right$' "$report"; then ok "the report names the sides of a confusion table"; else fail "the report names the sides of a confusion table"; fi
counts=$(sed -n '/^<tr>.*taken for/,/<\/table>/p' "$report" | sed 's/<td>[0-9.]* %$//' | grep -o '<td[^>]*>[0-9][0-9]*' | sed 's/.*>//')
reaches "the report counts each test row once" "$(echo "$counts" | awk '{ n += $1 } END { print n }')" "==" 359
if grep -q '</span> validation' "$report"; then fail "the report shows no validation where there is none"; else ok "the report shows no validation where there is none"; fi
if grep -q 'text-anchor="end">-' "$report"; then fail "no axis begins below 0" "$(grep -o 'text-anchor="end">-[^<]*' "$report" | head -3)"; else ok "no axis begins below 0"; fi
"$TMP/iris" train --epochs 30 --out "$TMP/iris-run" >/dev/null 2>&1
if grep -q 'text-anchor="end">1.0*<' "$TMP/iris-run/report.html"; then ok "axes end at round numbers"; else fail "axes end at round numbers" "$(grep -o 'text-anchor="end">[^<]*' "$TMP/iris-run/report.html" | tr '\n' ' ')"; fi
# what is no number stops the run, with the place
sed 's/by adam(lr)/by sgd(1e30)/' examples/digits.nn | sed "s|data/digits.csv|$PWD/examples/data/digits.csv|" >"$TMP/wild.nn"
"$NNC" "$TMP/wild.nn" -o "$TMP/wild" 2>"$TMP/log" || fail "wild compiles" "$(cat "$TMP/log")"
expect "not finite" 3 "wild.nn:[0-9]" "$TMP/wild" train --out "$TMP/wildrun"
# size
unsanitized "a trainer stays small"
reaches "a trainer stays small" "$(wc -c <"$T")" "<=" 400000
