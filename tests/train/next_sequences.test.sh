# next_sequences.test.sh: the examples that read and write sequences, in a small form.
. tests/lib.sh
. tests/train/small.sh
for page in rows_rnn rows_lstm rows_bilstm; do
    data $page mnist && small $page "" --data mnist="$DATA/mnist" --limit-train 2000 --epochs 2 && falls $page
done
small adding "" --steps 150 && falls adding lstm && falls adding rnn 1
small copy_memory "-D gap=3 -D symbols=2 -D kinds=2" --steps 300 && falls copy_memory && says copy_memory net recall ">" 0.9
