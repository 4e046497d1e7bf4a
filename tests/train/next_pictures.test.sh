# next_pictures.test.sh: the examples with convolutions, and those that make pictures, in a small form.
. tests/lib.sh
. tests/train/small.sh
data lenet mnist && small lenet "" --data digits="$DATA/mnist" --limit-train 1500 --epochs 2 && falls lenet
fashion_data fashion_cnn && small fashion_cnn "" --limit-train 300 --epochs 2 && falls fashion_cnn
fashion_data vgg && small vgg "-D width=4" --limit-train 1280 --epochs 4 && falls vgg
fashion_data resnet && small resnet "" --limit-train 100 --epochs 2 && falls resnet
fashion_data autoencoder && small autoencoder "" --limit-train 2000 --epochs 3 && falls autoencoder
data vae mnist && small vae "" --data mnist="$DATA/mnist" --limit-train 2000 --epochs 3 && falls vae && {
    "$TMP/vae" predict --from "$TMP/vae.run" --rows 3 >"$TMP/rows.csv" 2>"$TMP/log"
    reaches "vae: three new digits" "$(wc -l <"$TMP/rows.csv")" "==" 4
}
# The critic learns first: its loss falls, and it tells the painted from the real.
data gan mnist && small gan "" --data mnist="$DATA/mnist" --limit-train 2000 --epochs 3 && falls gan
# A trunk that another page has trained, then a head on it
if data finetune mnist && data finetune omniglot; then
    mkdir -p "$TMP/pages" && cp examples/*.nn "$TMP/pages" && "$NNC" examples/prototypes.nn -o "$TMP/prototypes" >"$TMP/log" 2>&1 &&
        "$TMP/prototypes" train --data omniglot="$DATA/omniglot" --steps 30 --out "$TMP/pages/strokes" >"$TMP/log" 2>&1 &&
        "$NNC" "$TMP/pages/finetune.nn" -o "$TMP/finetune" >"$TMP/log" 2>&1 &&
        "$TMP/finetune" train --data digits="$DATA/mnist" --limit-train 200 --epochs 6 --out "$TMP/finetune.run" >"$TMP/log" 2>&1 ||
        fail finetune "$(tail -c 500 "$TMP/log")"
    falls finetune warm && falls finetune tune
fi
: # a set that is not there is no failure
