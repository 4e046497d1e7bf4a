# resume.test.sh: threads, resumption, interruption and being killed change no bit of what a run writes.
. tests/lib.sh
"$NNC" examples/digits.nn -o "$TMP/digits" 2>"$TMP/log" || { fail "digits compiles" "$(cat "$TMP/log")"; exit 1; }
run() { out=$1; shift; "$TMP/digits" train --out "$TMP/$out" "$@" >"$TMP/$out.log" 2>&1; }
both() { same "$1: weights" "$TMP/$2/model.safetensors" "$TMP/$3/model.safetensors"; same "$1: log.csv" "$TMP/$2/log.csv" "$TMP/$3/log.csv"; }
run whole --epochs 4 || fail "train" "$(tail -c 500 "$TMP/whole.log")"
for threads in 1 2 4; do
    run "t$threads" --epochs 4 --threads $threads && both "threads $threads" whole "t$threads"
done
run half --epochs 2
if "$TMP/digits" train --resume "$TMP/half" --epochs 4 >"$TMP/log" 2>&1; then both "2 epochs, then 2 more" whole half; else fail "resume" "$(tail -c 500 "$TMP/log")"; fi
run long --epochs 400
interrupted() { # interrupted NAME SIGNAL CODE: starts a long run, sends the signal in the middle, resumes to the end
    "$TMP/digits" train --out "$TMP/$1" --epochs 400 >"$TMP/$1.log" 2>&1 &
    pid=$!
    for _ in $(seq 200); do [ -s "$TMP/$1/log.csv" ] && [ "$(wc -l <"$TMP/$1/log.csv")" -gt "${4:-20}" ] && break; sleep 0.01; done
    kill "$2" $pid
    wait $pid 2>/dev/null; code=$?
    if [ $code != "$3" ]; then fail "$1: exit code" "$code, not $3: $(tail -c 300 "$TMP/$1.log")"; return; fi
    ok "$1: exit code $3"
    if "$TMP/digits" train --resume "$TMP/$1" --epochs 400 >"$TMP/log" 2>&1; then both "$1, then resumed" long "$1"; else fail "$1: resume" "$(tail -c 500 "$TMP/log")"; fi
}
interrupted "interrupted" -INT 4
interrupted "terminated" -TERM 4 50
interrupted "killed" -KILL 137
interrupted "killed later" -KILL 137 90
"$NNC" examples/maml.nn -o "$TMP/maml" 2>"$TMP/log" || fail "maml compiles" "$(cat "$TMP/log")"
for threads in 1 2 4; do "$TMP/maml" train --steps 200 --threads $threads --out "$TMP/m$threads" >"$TMP/log" 2>&1 || fail "maml" "$(tail -c 300 "$TMP/log")"; done
same "maml: threads 1 and 2" "$TMP/m1/model.safetensors" "$TMP/m2/model.safetensors"
same "maml: threads 1 and 4" "$TMP/m1/model.safetensors" "$TMP/m4/model.safetensors"
