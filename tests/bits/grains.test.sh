# grains.test.sh: a step that walks over parts of its batch takes less memory than one that does not, and writes the bits of the interpreter
# and of -O0, which do not walk, on one thread and on two. Pages: a meta-batch with its inner loop, pictures.
. tests/lib.sh
work() { sed -n 's/^  net.step .* \([0-9.]*\) KiB of work$/\1/p'; }
for page in tests/bits/grains/*.nn; do
    name=$(basename "$page" .nn)
    walked=$("$NNC" --summary "$page" -o "$TMP/walked" | work)
    whole=$("$NNC" --grains=1 --summary "$page" -o "$TMP/whole" | work)
    reaches "$name: $walked KiB of work for $whole" "$walked" "<" "$whole / 4"
    check "$name: -O2" "$TMP/walked" train --threads 1 --out "$TMP/$name.2"
    check "$name: two threads" "$TMP/walked" train --threads 2 --out "$TMP/$name.t"
    check "$name: -O0" "$NNC" run -O0 "$page" train --out "$TMP/$name.0"
    check "$name: interpreter" "$NNC" run --interpret "$page" train --out "$TMP/$name.i"
    check "$name: in f64" "$NNC" run --dtype=f64 "$page" train --out "$TMP/$name.d"
    check "$name: in f64, -O0" "$NNC" run -O0 --dtype=f64 "$page" train --out "$TMP/$name.d0"
    same "$name: two threads, the same bits" "$TMP/$name.2/model.safetensors" "$TMP/$name.t/model.safetensors"
    for other in 0 i; do
        same "$name: -O2 and $other, the same bits" "$TMP/$name.2/model.safetensors" "$TMP/$name.$other/model.safetensors"
        same "$name: -O2 and $other, the same log" "$TMP/$name.2/log.csv" "$TMP/$name.$other/log.csv"
    done
    same "$name: f64, the same bits" "$TMP/$name.d/model.safetensors" "$TMP/$name.d0/model.safetensors"
done
