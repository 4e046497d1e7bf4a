# features.test.sh: what blocks of a page promise and only a run shows: states in model files, several predict blocks, logs without what
# was not computed, evaluations of a text, hold=1.
. tests/lib.sh
cat >"$TMP/slow.nn" <<'X'
data d, test=100 { x: [4] = normal() }
model m(x: [4]) -> [4] { x |> dense(8) |> relu |> dense(4) }
train m on d, batch=20, steps=50 {
    state slow = m.params
    state n = 0
    minimize mse(m(x), x) by adam(1e-2)
    slow = 0.9 * slow + 0.1 * m.params
    n = n + 1
    report n = n
    report behind = mse(m(x; slow), x)
    if not training { report table = [x, x, x, x] }
}
predict on d as guess { report sum = sum(m(x)) }
predict on d as errors { report error = mse(m(x), x) }
X
"$NNC" "$TMP/slow.nn" -o "$TMP/slow" >"$TMP/log" 2>&1 && "$TMP/slow" train --out "$TMP/run" >"$TMP/log" 2>&1 || fail "slow" "$(tail -c 400 "$TMP/log")"
for from in run run/model.safetensors run/last.ckpt; do "$TMP/slow" eval --from "$TMP/$from" --json 2>/dev/null >"$TMP/eval.$(basename $from)"; done
reaches "a state of a train block goes on in eval" "$(number "$TMP/eval.run" n)" "==" 51
same "a model file holds the states of train blocks" "$TMP/eval.run" "$TMP/eval.model.safetensors"
same "a checkpoint too" "$TMP/eval.run" "$TMP/eval.last.ckpt"
check "export" "$TMP/slow" export --from "$TMP/run" --to "$TMP/out" --format npy
check "import" "$TMP/slow" import --in "$TMP/out" --to "$TMP/in.safetensors"
"$TMP/slow" eval --from "$TMP/in.safetensors" --json 2>/dev/null >"$TMP/eval.in"
same "they are exported and imported" "$TMP/eval.run" "$TMP/eval.in"
rm "$TMP"/out/m-state-*
check "without them" "$TMP/slow" import --in "$TMP/out" --to "$TMP/less.safetensors"
"$TMP/slow" eval --from "$TMP/less.safetensors" --json 2>/dev/null >"$TMP/eval.less"
reaches "a state that is nowhere begins as in training" "$(number "$TMP/eval.less" n)" "==" 1
# logs
if grep -q nan "$TMP/run/log.csv"; then fail "no nan in log.csv" "$(head -2 "$TMP/run/log.csv")"; else ok "no nan in log.csv"; fi
if head -1 "$TMP/run/log.csv" | grep -q ',validate_table\[3\]\[3\]$' && ! head -1 "$TMP/run/log.csv" | grep -q ',table'; then ok "reports of evaluations have columns of evaluations only"
else fail "reports of evaluations have columns of evaluations only" "$(head -1 "$TMP/run/log.csv")"; fi
"$TMP/slow" train --out "$TMP/json" --json 2>/dev/null >"$TMP/events"
if grep -q '"event":"round"' "$TMP/events" && ! grep -q nan "$TMP/events"; then ok "nor in events"; else fail "nor in events" "$(head -c 400 "$TMP/events")"; fi
# several predict blocks
expect "help lists them" 0 "^predict blocks: guess errors" "$TMP/slow" --help
expect "one must be named" 2 "2 predict blocks: guess, errors; name one" "$TMP/slow" predict --from "$TMP/run" --rows 1
expect "a misspelt one" 2 'no predict block; did you mean "errors"' "$TMP/slow" predict error --from "$TMP/run" --rows 1
expect "the first" 0 "^sum" "$TMP/slow" predict guess --from "$TMP/run" --rows 1
expect "the second" 0 "^error" "$TMP/slow" predict --from "$TMP/run" --rows 1 errors
# a text whose windows lie close: each character of the validation part is asked for once a round
cat >"$TMP/text.nn" <<X
data t = text("$PWD/LICENSE"), validate=1000 { a: class(80)[20] = window(char, 20); b: class(80)[20] = window(char, 20, shift=1) }
model m(a: class(80)[t]) -> [t, 80] { a |> embedding(8) |> dense(80) }
train m on t, batch=10, steps=3 { minimize mean(cross_entropy(m(a), b)) by adam(1e-2) }
X
"$NNC" "$TMP/text.nn" -o "$TMP/text" >"$TMP/log" 2>&1 && "$TMP/text" train --out "$TMP/text.run" >"$TMP/log" 2>&1 || fail "text" "$(tail -c 400 "$TMP/log")"
"$TMP/text" eval --from "$TMP/text.run" --split validate --json >"$TMP/eval" 2>/dev/null
reaches "windows of a text stand side by side in evaluations" "$(number "$TMP/eval" rows)" "==" 49
sed 's/validate=1000/validate=1000, every=1/' "$TMP/text.nn" >"$TMP/close.nn"
"$NNC" "$TMP/close.nn" -o "$TMP/close" >"$TMP/log" 2>&1 && "$TMP/close" train --out "$TMP/close.run" >"$TMP/log" 2>&1 || fail "close" "$(tail -c 400 "$TMP/log")"
"$TMP/close" eval --from "$TMP/close.run" --split validate --json >"$TMP/eval" 2>/dev/null
reaches "unless the page says how they lie" "$(number "$TMP/eval" rows)" "==" 980
# hold=1: a carry that begins anew in each step
cat >"$TMP/hold.nn" <<'X'
data d { x: [3] = normal() }
model m(x: [3]) -> [3] { param w: [3, 3] = normal(); carry h: [3] = 0; h = 0.9 * h + x @ w; h }
train m on d, batch=4, steps=6, hold=1 { minimize sum(m(x)^2) by adam(1e-3) }
X
sed 's/carry h/h/; s/, hold=1//' "$TMP/hold.nn" >"$TMP/plain.nn"
for page in hold plain; do "$NNC" run "$TMP/$page.nn" train --out "$TMP/$page.run" >"$TMP/log" 2>&1 || fail "$page" "$(tail -c 400 "$TMP/log")"; done
same "hold=1 is no carry" "$TMP/plain.run/log.csv" "$TMP/hold.run/log.csv"
# a carry of a model that is called for each of two sequences: one value for each of them
cat >"$TMP/mapped.nn" <<'X'
data d, test=4, validate=4 { xs: [2, 3] = normal(); ys: [2, 5, 3] = normal() }
model m(x: [3]) -> [3] { carry n: [3] = 0; n = n + 1; n + 0 * dense(x, 3) }
model r(xs: [t, 3]) -> [2] { xs |> gru(4, keep=true) |> last |> dense(2) }
train m, r on d, batch=3, steps=6, hold=3 { minimize sum(m(xs)^2) + sum(r(ys)^2) by sgd(0.01); report count = mean(m(xs)) }
X
"$NNC" run "$TMP/mapped.nn" train --out "$TMP/mapped.run" >"$TMP/log" 2>&1 && "$NNC" run --interpret "$TMP/mapped.nn" train --out "$TMP/mapped.i" >"$TMP/log" 2>&1 || fail "a carry in a mapped call" "$(tail -c 400 "$TMP/log")"
same "a carry in a mapped call: interpreter and machine code" "$TMP/mapped.run/log.csv" "$TMP/mapped.i/log.csv"
counts=$(cut -d, -f7 "$TMP/mapped.run/log.csv" | tr '\n' ' ')
if [ "$counts" = "count 1 2 3 1 2 3 " ]; then ok "a carry in a mapped call counts the steps on a batch"; else fail "a carry in a mapped call counts the steps on a batch" "$counts"; fi
# two models that generate: one is named
cat >"$TMP/writers.nn" <<X
data t = text("$PWD/LICENSE"), every=8 { a: class(80)[8] = window(char, 8); b: class(80)[8] = window(char, 8, shift=1) }
model slow(s: class(80)[t]) -> [t, 80] { s |> embedding(6) |> attention(2, causal=true) |> dense(80) }
model quick(s: class(80)[t]) -> [t, 80] { s |> embedding(6) |> dense(80) }
train slow, quick on t, batch=8, steps=3 { minimize mean(cross_entropy(slow(a), b)) + mean(cross_entropy(quick(a), b)) by sgd(0.1) }
generate slow, prompt="The", length=5
generate quick, prompt="License", length=5
X
"$NNC" "$TMP/writers.nn" -o "$TMP/writers" >"$TMP/log" 2>&1 && "$TMP/writers" train --out "$TMP/writers.run" >"$TMP/log" 2>&1 || fail "writers" "$(tail -c 400 "$TMP/log")"
expect "help lists models that generate" 0 "^models that generate: slow quick" "$TMP/writers" --help
expect "one must be named, too" 2 "generates with 2 models; name one" "$TMP/writers" generate --from "$TMP/writers.run"
expect "generate slow" 0 "^The" "$TMP/writers" generate slow --from "$TMP/writers.run"
expect "generate quick" 0 "^License" "$TMP/writers" generate quick --from "$TMP/writers.run"
