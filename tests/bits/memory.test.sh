# memory.test.sh: --memory=B: a step takes at most B of work memory, the less the more it computes again, with the same bits; less than it can
# do with is an error that says how much it takes.
. tests/lib.sh
of() { sed -n "s/^  reader.step  *\([0-9.]*\) million operations a call, *\([0-9.]*\) KiB of work\$/\\$1/p" "$TMP/summary"; } # 1 operations, 2 KiB
page=tests/bits/memory/reader.nn
variant() { # variant NAME FLAGS..: compiles, trains
    name=$1; shift
    check "$name" "$NNC" --summary "$@" "$page" -o "$TMP/$name"
    cp "$TMP/check.out" "$TMP/summary"
    check "$name trains" "$TMP/$name" train --out "$TMP/$name.run"
}
variant whole --grains=4
whole=$(of 2) operations=$(of 1)
least=$("$NNC" --grains=4 --memory=0 "$page" -o "$TMP/none" 2>&1 | sed -n 's/.* takes \([0-9]*\) bytes of work memory at least.*/\1/p')
reaches "the least is less than half" "${least:-none}" "<" "$whole * 1024 / 2"
for part in 0.9 0.75 0.5; do
    bound=$(awk "BEGIN { printf \"%d\", $whole * 1024 * $part }")
    variant "within-$part" --grains=4 --memory="$bound"
    reaches "within $part: work" "$(of 2)" "<=" "$whole * $part"
    reaches "within $part: computed again" "$(of 1)" ">=" "$operations"
    same "within $part: the same bits" "$TMP/whole.run/model.safetensors" "$TMP/within-$part.run/model.safetensors"
done
variant least --grains=4 --memory="$least"
same "the least: the same bits" "$TMP/whole.run/model.safetensors" "$TMP/least.run/model.safetensors"
expect "less than the least" 1 "error\[E604\]: --memory=$((least - 1)): a call takes $least bytes of work memory at least" "$NNC" --grains=4 --memory=$((least - 1)) "$page" -o "$TMP/none"
expect "no number" 2 "memory takes a number of bytes such as 64M, not" "$NNC" --memory=much "$page" -o "$TMP/none"
expect "below nothing" 2 "memory takes a number of bytes such as 64M, not" "$NNC" --memory=-5 "$page" -o "$TMP/none"
check "--memory in the interpreter's company" "$NNC" run --interpret --grains=4 "$page" train --out "$TMP/interpreted.run"
same "the interpreter's bits" "$TMP/whole.run/model.safetensors" "$TMP/interpreted.run/model.safetensors"
