# windows.test.sh: gradcheck --order 2 of products over windows and of pools: strides, padding, both dilations, groups, one to three axes
# of space, weights of each task; interpreter and machine code agree on them. The second layer's input is the first one's output, so
# gradients by pictures are checked too.
. tests/lib.sh
net() { # net NAME SHAPE WEIGHTS LAYER: LAYER on y: SHAPE with w: WEIGHTS
    cat >"$TMP/$1.nn" <<X
data d { x: $2 = normal(); goal = normal() }
model m(x: $2) -> [] {
    param a: [$5] = normal(1, 0.3)
    param w: $3 = normal(0, 0.4)
    y = sin(x * a)
    sum(sin($4)) / 3
}
train m on d, batch=3, steps=2 { minimize (m(x) - goal)^2 by sgd(0.1) }
X
    if "$NNC" run --dtype=f64 "$TMP/$1.nn" gradcheck --order 2 --samples 8 >"$TMP/$1.out" 2>&1; then ok "gradcheck --order 2: $1"
    else fail "gradcheck --order 2: $1" "$(tail -c 500 "$TMP/$1.out")"; fi
    "$NNC" "$TMP/$1.nn" -o "$TMP/$1" >"$TMP/out" 2>&1 && "$TMP/$1" train --out "$TMP/c" --replace >"$TMP/out" 2>&1 &&
        "$NNC" run --interpret "$TMP/$1.nn" train --out "$TMP/i" --replace >"$TMP/out" 2>&1
    if cmp -s "$TMP/c/log.csv" "$TMP/i/log.csv"; then ok "machine code and interpreter agree: $1"
    else fail "machine code and interpreter agree: $1" "$(tail -c 300 "$TMP/out")"; fi
    rm -rf "$TMP/c" "$TMP/i"
}
net plain "[5, 6, 2]" "[3, 2, 2, 3]" "convolve(y, w)" 2
net stride_padding "[7, 6, 2]" "[3, 3, 2, 2]" "convolve(y, w, stride=2, padding=1)" 2
net other_axes "[7, 6, 2]" "[3, 2, 2, 2]" "convolve(y, w, stride=[2, 1], padding=[0, 1], dilation=[1, 3])" 2
net dilation "[7, 7, 2]" "[2, 3, 2, 2]" "convolve(y, w, dilation=2, padding=2)" 2
net spread "[3, 3, 2]" "[4, 4, 2, 2]" "convolve(y, w, dilate=2, padding=2)" 2
net spread_stride "[4, 3, 2]" "[3, 3, 2, 2]" "convolve(y, w, dilate=3, padding=1, stride=2)" 2
net groups "[5, 5, 4]" "[3, 3, 2, 6]" "convolve(y, w, groups=2)" 4
net depthwise "[5, 5, 3]" "[3, 3, 1, 6]" "convolve(y, w, groups=3, padding=1)" 3
net all "[6, 7, 4]" "[2, 3, 2, 2]" "convolve(y, w, groups=2, stride=2, dilation=2, padding=2)" 4
net line "[9, 2]" "[3, 2, 3]" "convolve(y, w, stride=2, padding=1)" 2
net box "[3, 4, 3, 2]" "[2, 2, 2, 2, 2]" "convolve(y, w, padding=[1, 0, 0])" 2
net two_layers "[6, 6, 2]" "[3, 3, 2, 2]" "convolve(tanh(convolve(y, w, padding=1)), w, stride=2)" 2
net avg_pool "[5, 6, 2]" "[2, 2]" "avg_pool2d(y @ w, 3, stride=2)" 2
net max_pool "[4, 6, 2]" "[2, 2]" "max_pool2d(y @ w, 2)" 2
net overlapping "[5, 5, 2]" "[2, 2]" "max_pool2d(y @ w, 3, stride=1)" 2
net pool_line "[8, 2]" "[2, 2]" "max_pool1d(y @ w, 3, stride=2)" 2
net pool_box "[2, 4, 4, 2]" "[2, 2]" "avg_pool3d(y @ w, [2, 2, 1])" 2
cat >"$TMP/tasks.nn" <<'X'
data d { x: [4, 5, 5, 2] = normal(); y: [4, 3] = normal() }
model m(x: [5, 5, 2]) -> [3] { param w: [3, 3, 2, 4] = normal(0, 0.4); convolve(x, w, stride=2, padding=1) |> tanh |> flatten |> dense(3) }
train m on d, batch=3, steps=2 {
    theta = m.params
    scan _ in 0..2 { theta = theta - 0.1 * grad(mse(m(x; theta), y), theta) }
    minimize mse(m(x; theta), y) by sgd(0.1)
}
X
check "gradcheck --order 2: weights of each task, through steps of learning" "$NNC" run --dtype=f64 "$TMP/tasks.nn" gradcheck --order 2 --samples 8
