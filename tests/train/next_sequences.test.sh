# next_sequences.test.sh: the examples that read and write sequences, in a small form.
. tests/lib.sh
. tests/train/small.sh
for page in rows_rnn rows_lstm rows_bilstm; do
    data $page mnist && small $page "" --data mnist="$DATA/mnist" --limit-train 2000 --epochs 2 && falls $page
done
small adding "" --steps 150 && falls adding lstm && falls adding rnn 1
small copy_memory "-D gap=3 -D symbols=2 -D kinds=2" --steps 300 && falls copy_memory && says copy_memory net recall ">" 0.9
small series "" --epochs 15 && falls series && says series forecast loss "<" 1.6
small names "" --limit-train 2000 --epochs 2 && falls names && {
    "$TMP/names" generate --from "$TMP/names.run" --prompt k --temperature 0.5 >"$TMP/name" 2>"$TMP/log"
    expect "names: a name that begins with k" 0 "^k[a-z]" cat "$TMP/name"
}
data shakespeare text/tinyshakespeare.txt && head -c 60000 "$DATA/text/tinyshakespeare.txt" >"$TMP/plays.txt" &&
    small shakespeare "" --data plays="$TMP/plays.txt" --epochs 3 && falls shakespeare && {
    "$TMP/shakespeare" generate --from "$TMP/shakespeare.run" --length 40 >"$TMP/text" 2>"$TMP/log"
    expect "shakespeare: goes on from the prompt" 0 "^ROMEO:" cat "$TMP/text"
}
[ -e "$TMP/plays.txt" ] && small gpt "-D width=32 -D context=32 -D depth=2" --data plays="$TMP/plays.txt" --epochs 2 && falls gpt && {
    "$TMP/gpt" generate --from "$TMP/gpt.run" --length 40 >"$TMP/text" 2>"$TMP/log"
    expect "gpt: goes on from the prompt" 0 "^ROMEO:" cat "$TMP/text"
}
: # a set that is not there is no failure
