# mnist.test.sh: the larger data, where it is: one epoch each (the full runs are tests/long.sh).
. tests/lib.sh
FASHION=/usr/share/datasets/fashion-mnist
one() { # one PAGE SET FOLDER LIMIT
    if [ ! -e "$3/train-images-idx3-ubyte.gz" ]; then skip "$1" "no data at $3"; return; fi
    "$NNC" "examples/$1.nn" -o "$TMP/$1" >"$TMP/log" 2>&1 &&
        "$TMP/$1" train --data "$2=$3" --epochs 1 --out "$TMP/r$1" >"$TMP/log" 2>&1 &&
        "$TMP/$1" eval --from "$TMP/r$1" --split test --json >"$TMP/$1.json" 2>"$TMP/log" || { fail "$1" "$(tail -c 500 "$TMP/log")"; return; }
    reaches "$1: accuracy after one epoch" "$(number "$TMP/$1.json" accuracy)" ">=" "$4"
}
one mnist_mlp mnist "$DATA/mnist" 0.94
one fashion_mlp fashion "$FASHION" 0.80
