# pictures.test.sh: programs with data of pictures are linked with the codecs, others are not and stay small; --data names another folder.
. tests/lib.sh
mkdir -p "$TMP/animals/cat" "$TMP/animals/dog" "$TMP/elsewhere"
for i in 1 2 3 4 5; do cp tests/data/pictures/cat/a.png "$TMP/animals/cat/$i.png"; cp tests/data/pictures/dog/a.png "$TMP/animals/dog/$i.png"; done
cat >"$TMP/animals.nn" <<'PAGE'
data d = images("animals"), test=20% {
    image: [4, 4, 1]            = picture / 255
    kind:  class("cat", "dog") = folder
}
model net(image: [4, 4, 1]) -> [2] { image |> flatten |> dense(2) }
train net on d, batch=4, epochs=2 { minimize cross_entropy(net(image), kind) by sgd(0.1) }
predict on d { report kind = argmax(net(image)) }
PAGE
check "a page of pictures compiles" "$NNC" "$TMP/animals.nn" -o "$TMP/animals.program"
expect "and trains" 0 "test 2 rows" "$TMP/animals.program" train --out "$TMP/run"
expect "predict of another folder" 0 "^cat$\|^dog$" "$TMP/animals.program" predict --from "$TMP/run" --in "$TMP/animals/dog"
expect "another folder that is not there" 1 "cannot read $TMP/nowhere" "$TMP/animals.program" train --out "$TMP/other" --data d="$TMP/nowhere"
expect "another folder without pictures" 1 "there is no picture" "$TMP/animals.program" train --out "$TMP/other" --data d="$TMP/elsewhere"
cp -r "$TMP/animals" "$TMP/elsewhere/animals"
expect "another folder" 0 "test 2 rows" "$TMP/animals.program" train --out "$TMP/other" --data d="$TMP/elsewhere"
same "which trains alike" "$TMP/run/model.safetensors" "$TMP/other/model.safetensors"
expect "the page runs in nnc as well" 0 "test 2 rows" "$NNC" run "$TMP/animals.nn" train --out "$TMP/inside"
same "with the same bytes" "$TMP/run/model.safetensors" "$TMP/inside/model.safetensors"
check "digits compiles" "$NNC" examples/digits.nn -o "$TMP/digits"
if ldd "$TMP/animals.program" | grep -q libpng && ! ldd "$TMP/digits" | grep -q 'libpng\|libjpeg'; then ok "the codecs are linked by need"; else fail "the codecs are linked by need" "$(ldd "$TMP/digits")"; fi
unsanitized "a small net on CSV stays below 300 KB"
reaches "a small net on CSV stays below 300 KB" "$(wc -c <"$TMP/digits")" "<=" 300000
