# cases.sh: what the scripts of this folder share: a case is a model and a train block; cases of a kind stand in one page. Each is checked
# against differences, first and second derivatives, in f64 by the interpreter, and trained by it and by machine code with 1, 2, 4 threads:
# the same bits. Sourced after lib.sh.
fresh() { # fresh FIELDS: begins a page; its data are drawn
    echo "data d, test=4, validate=4 { $1 }" >"$TMP/page.nn"
    names=
}
# add NAME TEXT: a case; ~ stands for NAME in it, so that models of a page have names of their own
add() {
    echo "${2//\~/$1}" >>"$TMP/page.nn"
    names="$names $1"
}
# case_of NAME SIGNATURE BODY LOSS: a model and its training
case_of() { add "$1" "model m_~$2 { $3 }
train m_~ on d as ~, batch=BATCH, steps=2 { minimize $4 by sgd(0.1) }"; }
# verdict NAME: of gradcheck on that block: orders seen, leaves that are wrong
verdict() {
    awk -v block="\"block\":\"$1\"" 'index($0, block) {
            match($0, /"order":[12]/); order[substr($0, RSTART + 8, 1)] = 1
            if ($0 !~ /"wrong":0,/) wrong = wrong " " $0 }
        END { print (1 in order && 2 in order ? "seen" : "unseen") wrong }' "$TMP/check.json"
}
# gradients: checks each case of the page, with batches of CHECKED
gradients() {
    cat "$TMP/page.nn" >>"$TMP/cases"
    sed "s/BATCH/${CHECKED:-3}/" "$TMP/page.nn" >"$TMP/small.nn"
    "$NNC" run --interpret --dtype=f64 "$TMP/small.nn" gradcheck --order 2 --samples 12 --json >"$TMP/check.json" 2>"$TMP/log"
    for name in $names; do
        found=$(verdict "$name")
        if [ "$found" = seen ]; then ok "gradcheck --order 2: $name"; else fail "gradcheck --order 2: $name" "$found $(tail -c 400 "$TMP/log")"; fi
    done
}
# machine_gradients: after gradients, the same by machine code in f64: every number of its report has the same bits
machine_gradients() {
    "$NNC" run --dtype=f64 "$TMP/small.nn" gradcheck --order 2 --samples 12 --threads 2 --json >"$TMP/machine.json" 2>"$TMP/log"
    same "gradients by machine code:$names" "$TMP/check.json" "$TMP/machine.json"
}
# bits [BATCH]: each case trained two steps; its rows of log.csv, and the weights of all
bits() {
    sed "s/BATCH/${1:-48}/" "$TMP/page.nn" >"$TMP/large.nn"
    rm -rf "$TMP"/run.*
    if ! "$NNC" run --interpret "$TMP/large.nn" train --out "$TMP/run.interpret" >"$TMP/log" 2>&1 || ! "$NNC" "$TMP/large.nn" -o "$TMP/large" >"$TMP/log" 2>&1; then
        fail "bits of$names" "$(tail -c 400 "$TMP/log")"; return
    fi
    for threads in 1 2 4; do "$TMP/large" train --threads $threads --out "$TMP/run.$threads" >"$TMP/log" 2>&1 || fail "bits of$names" "$(tail -c 400 "$TMP/log")"; done
    for name in $names; do
        grep "^$name," "$TMP/run.interpret/log.csv" >"$TMP/rows"
        differ=
        [ -s "$TMP/rows" ] || differ="interpreter"
        for threads in 1 2 4; do grep "^$name," "$TMP/run.$threads/log.csv" | cmp -s - "$TMP/rows" || differ="$differ threads $threads"; done
        if [ -z "$differ" ]; then ok "machine code and interpreter agree: $name"; else fail "machine code and interpreter agree: $name" "not: $differ"; fi
    done
    for threads in 1 2 4; do same "weights, threads $threads:$names" "$TMP/run.interpret/model.safetensors" "$TMP/run.$threads/model.safetensors"; done
}
both() { gradients; bits "$@"; }
