# nnc.test.sh: the command line of nnc: what it says, and with which exit code.
. tests/lib.sh
expect "no page" 2 "no page given" "$NNC"
expect "help" 0 "nnc page.nn -o page" "$NNC" --help
expect "help tells the stages" 0 "^  settled  *the order of every sum" "$NNC" --help
expect "help tells the passes" 0 "^  contract  *a sum over" "$NNC" --help
expect "version" 0 "^nnc [0-9]" "$NNC" --version
expect "unknown option" 2 "did you mean --summary" "$NNC" --sumary examples/digits.nn
expect "unknown stage" 2 "did you mean loop" "$NNC" --emit=lop examples/digits.nn
expect "page that is missing" 1 "error\[E601\]: .*No such file" "$NNC" "$TMP/none.nn"
expect "page that is a folder" 1 "is a directory" "$NNC" examples
check "check only" "$NNC" examples/digits.nn
expect "explain" 0 "unknown name" "$NNC" explain e201
expect "explain what is no code" 2 "no such code" "$NNC" explain E999
expect "unwritable output" 5 "cannot be written" "$NNC" examples/digits.nn -o "$TMP/no/such/folder/digits"
expect "unwritable object file" 5 "error\[E603\]: cannot write .*No such file" "$NNC" --emit=obj examples/digits.nn -o "$TMP/no/digits.o"
expect "output that is a folder" 5 "is a directory" "$NNC" examples/digits.nn -o "$TMP"
expect "level" 2 "0, 1, 2 or 3" "$NNC" -O7 examples/digits.nn
expect "define without a value" 2 "NAME=VALUE" "$NNC" -D width examples/mnist_mlp.nn
expect "define of what is no hyper" 1 "error\[E" "$NNC" -D with=3 examples/mnist_mlp.nn
expect "define" 0 "net.dense\|mlp.dense.weight *\[784, 20\]" "$NNC" -D width=20 --summary examples/mnist_mlp.nn
expect "summary" 0 "peak, beside the data" "$NNC" --summary examples/digits.nn
expect "unknown processor" 1 "error\[E602\]" "$NNC" --cpu=z80 examples/digits.nn -o "$TMP/z80"
printf 'model m(x: [4]) -> [5] { x }\n' >"$TMP/wrong.nn"
"$NNC" --diagnostics=json "$TMP/wrong.nn" 2>"$TMP/json"
if grep -q '^{"severity":"error","code":"E[0-9]*","message":".*","file":".*wrong.nn","line":1,' "$TMP/json"; then ok "errors as JSON"; else fail "errors as JSON" "$(cat "$TMP/json")"; fi
for stage in ast ir settled opt plan loop llvm asm; do
    if "$NNC" --emit=$stage examples/digits.nn >"$TMP/emit" 2>&1 && [ -s "$TMP/emit" ]; then ok "emit $stage"; else fail "emit $stage" "$(head -c 300 "$TMP/emit")"; fi
done
for page in examples/*.nn tests/bits/*.nn; do check "verify $(basename "$page")" "$NNC" --verify --emit=loop "$page"; done
"$NNC" --emit=ir examples/maml.nn >"$TMP/maml.ir" 2>&1
if "$NNC" --from-ir "$TMP/maml.ir" --emit=ir >"$TMP/again.ir" 2>&1; then ok "IR text is read back"; else fail "IR text is read back" "$(head -c 300 "$TMP/again.ir")"; fi
