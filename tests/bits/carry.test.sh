# carry.test.sh: runs with carries, over a text walked in order and over held tasks: threads and resumption change no bit; what
# `generate` writes does not depend on threads.
. tests/lib.sh
for page in stream tasks; do
    if ! "$NNC" tests/bits/$page.nn -o "$TMP/$page" 2>"$TMP/log"; then fail "$page compiles" "$(cat "$TMP/log")"; continue; fi
    run() { out=$page$1; shift; "$TMP/$page" train --out "$TMP/$out" "$@" >"$TMP/log" 2>&1 || fail "$page" "$(tail -c 400 "$TMP/log")"; }
    both() {
        same "$page, $1: weights" "$TMP/$page$2/model.safetensors" "$TMP/$page$3/model.safetensors"
        same "$page, $1: log.csv" "$TMP/$page$2/log.csv" "$TMP/$page$3/log.csv"
    }
    run whole
    for threads in 1 2 4; do run t$threads --threads $threads; both "threads $threads" whole t$threads; done
    for steps in 1 29 47; do
        run half$steps --steps $steps
        if [ $page = stream ]; then more="--epochs 4"; else more="--steps 60"; fi
        # shellcheck disable=SC2086
        "$TMP/$page" train --resume "$TMP/${page}half$steps" $more >"$TMP/log" 2>&1 || fail "$page" "$(tail -c 400 "$TMP/log")"
        same "$page, stopped at $steps: weights" "$TMP/${page}whole/model.safetensors" "$TMP/${page}half$steps/model.safetensors"
    done
done
for threads in 1 3; do "$TMP/stream" generate --from "$TMP/streamwhole" --threads $threads >"$TMP/text$threads" 2>"$TMP/log" || fail "generate" "$(tail -c 400 "$TMP/log")"; done
same "generate: threads 1 and 3" "$TMP/text1" "$TMP/text3"
expect "generate: prompt and length" 0 "^Work is $" "$TMP/stream" generate --from "$TMP/streamwhole" --prompt "Work is " --length 0
expect "generate: an unknown symbol" 2 '"~" is none of the' "$TMP/stream" generate --from "$TMP/streamwhole" --prompt "a~"
