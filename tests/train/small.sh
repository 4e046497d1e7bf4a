# small.sh: for the scripts that run examples in a small form (next_*.test.sh): a page is compiled, perhaps with smaller sizes, trained for
# a moment, and the loss of each of its blocks must have fallen. What the examples reach in full is tests/long.sh. Sourced after lib.sh.
FASHION=/usr/share/datasets/fashion-mnist
fashion_data() { [ -e $FASHION/train-images-idx3-ubyte.gz ] || { skip "$1" "no data at $FASHION"; return 1; }; }
data() { [ -e "$DATA/$2" ] || { skip "$1" "no data at $DATA/$2"; return 1; }; }
# small PAGE "COMPILE OPTIONS" TRAIN OPTIONS...: leaves $TMP/PAGE and the run $TMP/PAGE.run
small() {
    local name=$1 compile=$2; shift 2
    # shellcheck disable=SC2086
    if ! "$NNC" "examples/$name.nn" $compile -o "$TMP/$name" >"$TMP/log" 2>&1; then fail "$name compiles" "$(tail -c 500 "$TMP/log")"; return 1; fi
    if ! "$TMP/$name" train --out "$TMP/$name.run" --replace --seed 1 "$@" >"$TMP/log" 2>&1; then
        fail "$name trains" "$(tail -c 500 "$TMP/log")"; return 1
    fi
}
# falls PAGE [BLOCK [SHARE [COLUMN]]]: the loss (or another column) of the last round is below that share (0.95) of the first round's
falls() {
    local name=$1 block=${2:-} share=${3:-0.95} column=${4:-loss} got
    got=$(awk -F, -v block="$block" -v column="$column" -v share="$share" '
        NR == 1 { for (i = 1; i <= NF; i++) if ($i == column) at = i; next }
        at && (block == "" || $1 == block) { if (!n++) first = $at; last = $at }
        END { print (at && n > 1 && last < share * first ? "yes" : "no"), first, last, n + 0 }' "$TMP/$name.run/log.csv")
    case $got in
        yes*) ok "$name $block: $column falls" ;;
        *) fail "$name $block: $column falls" "from, to, rounds: ${got#no }" ;;
    esac
}
# says PAGE BLOCK KEY OP LIMIT ARGS...: what eval of the test part says
says() {
    local name=$1 block=$2 key=$3 op=$4 limit=$5; shift 5
    "$TMP/$name" eval $block --from "$TMP/$name.run" --split test --json "$@" >"$TMP/$name.json" 2>"$TMP/log" || fail "eval $name" "$(tail -c 500 "$TMP/log")"
    reaches "$name $block: $key" "$(number "$TMP/$name.json" "$key")" "$op" "$limit"
}
