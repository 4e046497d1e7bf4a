# library.test.sh: gradcheck --order 2 of every layer, activation, loss of the library, each in a net of its own, in f64.
# A deliberately wrong derivative (a `stop` where none belongs, written so that the value is right) is caught.
. tests/lib.sh
page() { # page NAME BODY: a page whose model has BODY on x: [6] -> any shape, its loss a smooth sum
    cat >"$TMP/$1.nn" <<X
data d { x: [6] = normal(); y: [6] = normal(); c: class(6) = choose(6); xs: [4, 3] = normal(); q: [6] = uniform(0.1, 1) }
$2
X
}
run() { # run NAME: must agree with differences
    if "$NNC" run --dtype=f64 "$TMP/$1.nn" gradcheck --order 2 --samples 12 >"$TMP/$1.out" 2>&1; then ok "gradcheck --order 2: $1"
    else fail "gradcheck --order 2: $1" "$(tail -c 500 "$TMP/$1.out")"; fi
}
unary() { page "$1" "model m(x: [6]) -> [6] { x |> dense(6) |> $2 }
train m on d, batch=3, steps=1 { minimize sum(sin(m(x) + y)) by sgd(0.1) }"; run "$1"; }
for f in sigmoid tanh leaky_relu elu gelu silu softplus softmax log_softmax exp sin cos erf; do unary $f $f; done
unary relu relu
unary sqrt "exp |> sqrt"
unary log "exp |> log"
unary layer_norm layer_norm
unary batch_norm batch_norm
unary dropout "dropout(0.3)"
unary dense "dense(5) |> tanh |> dense(6, bias=false)"
loss() { page "$1" "model m(x: [6]) -> [6] { x |> dense(6) |> tanh |> dense(6) }
train m on d, batch=3, steps=1 { minimize $2 by sgd(0.1) }"; run "$1"; }
loss cross_entropy "cross_entropy(m(x), c)"
loss binary_cross_entropy "sum(binary_cross_entropy(m(x), q))"
loss mse "mse(m(x), y)"
loss mae "mae(m(x), y)"
loss huber "huber(m(x), y, 0.7)"
loss hinge "hinge(m(x), c)"
loss binary_hinge "sum(binary_hinge(m(x), where(y > 0, 1, -1)))"
loss kl_divergence "kl_divergence(q / sum(q), softmax(m(x)))"
loss kl_normal "sum(kl_normal(m(x), 0.3 * m(x) as again))"
loss squared_distance "squared_distance(m(x), y)"
loss cosine "cosine(m(x), y)"
loss distance "distance(m(x), y)"
loss triplet_loss "triplet_loss(m(x), y, q, margin=20)"
loss contrastive_loss "contrastive_loss(m(x), y, bernoulli(0.5), margin=9)"
loss log_and_sign "sum(sin(log_and_sign(m(x)))) + sum(sin(log_and_sign(m(x), 0.5)))"
loss power "sum(q^m(x)) + sum(sigmoid(m(x))^1.7)"
loss extremes "max(m(x)) + min(m(x)) + sum(maximum(m(x), y)) + sum(cumprod(m(x))) + sum(cumsum(m(x)) * y)"
loss indices "m(x)[c] + sum(sin(m(x)[1:4])) + sum(reverse(m(x), 4) * y)"
loss gradient_penalty "sum(grad(sum(m(x)^2), x)^2)"
sequence() { page "$1" "model m(xs: [t, 3]) -> [5] { xs |> $2 |> last |> dense(5) }
train m on d, batch=3, steps=1 { minimize sum(sin(m(xs))) by sgd(0.1) }"; run "$1"; }
sequence rnn "rnn(4)"
sequence lstm "lstm(3)"
sequence gru "gru(3)"
for f in rnn lstm gru; do sequence bidirectional_$f "bidirectional_$f(2, length=3)"; done
sequence conv1d "conv1d(4, kernel=2, causal=true, dilation=2) |> tanh |> conv1d(2, stride=2, padding=1)"
# Initial states, the cells one by one, both ends
states() { page "$1" "model m(xs: [t, 3], s: [2, 4]) -> [4] { $2 }
train m on d, batch=3, steps=1 { minimize sum(sin(m(xs, transpose(xs[:, :2])))) by sgd(0.1) }"; run "$1"; }
states rnn_start "xs |> rnn(4, start=s[0]) |> last"
states lstm_start "xs |> lstm(4, start=s, forget=1) |> last"
states gru_start "xs |> gru(4, start=s[1]) |> last"
states rnn_cell "h = s[0]; scan x in xs { h = rnn_cell(x, h) }; h"
states lstm_cell "h = s[0]; c = s[1]; scan x in xs { h, c = lstm_cell(x, h, c, forget=1) }; h"
states gru_cell "h = s[0]; scan x in xs { h = gru_cell(x, h) }; h"
states both_ends "xs |> bidirectional_gru(2) |> both_ends |> dense(4)"
states cross_attention "h = xs |> dense(4) |> cross_attention(s, 2); last(h)"
states transformer_block "h = xs |> dense(4) |> sinusoidal_positions |> transformer_block(2, causal=true, drop=0.2); last(h)"
page masked_cross_entropy "data e { xs: [5, 3] = normal(); cs: class(2)[5] = choose(2); length = int(uniform(1, 6)) }
model m(xs: [t, 3]) -> [t, 2] { xs |> gru(3) |> dense(2) }
train m on e, batch=3, steps=1 { minimize masked_cross_entropy(m(xs), cs, length) by sgd(0.1) }"; run masked_cross_entropy
page learned_positions "model m(xs: [4, 3]) -> [3] { xs |> learned_positions |> tanh |> last }
train m on d, batch=3, steps=1 { minimize sum(sin(m(xs))) by sgd(0.1) }"; run learned_positions
# Over space: strides, paddings, dilations, groups
space() { page "$1" "data e { image: [6, 5, 4] = normal() }
model m(image: [6, 5, 4]) -> [2] { image |> $2 |> tanh |> global_avg_pool |> dense(2) }
train m on e, batch=2, steps=1 { minimize sum(sin(m(image))) by sgd(0.1) }"; run "$1"; }
space conv2d "conv2d(3)"
space conv2d_stride "conv2d(2, kernel=2, stride=2, padding=1, bias=false)"
space conv2d_same "conv2d(2, kernel=2, same=true)"
space conv2d_dilation "conv2d(2, dilation=2, same=true)"
space conv2d_groups "conv2d(4, groups=2, stride=2, same=true)"
space depthwise_conv2d "depthwise_conv2d(multiplier=2, stride=2, same=true)"
space conv2d_transpose "conv2d_transpose(2)"
space conv2d_transpose_kernel "conv2d_transpose(2, kernel=3, stride=3, padding=0, bias=false)"
space group_norm "group_norm(2)"
space batch_norm_space "conv2d(2) |> batch_norm"
space pools "max_pool2d(2, stride=1) |> avg_pool2d(2)"
page global_max_pool "data e { image: [4, 3, 2] = normal() }
model m(image: [4, 3, 2]) -> [2] { image |> conv2d(3, kernel=2) |> global_max_pool |> dense(2) }
train m on e, batch=2, steps=1 { minimize sum(sin(m(image))) by sgd(0.1) }"; run global_max_pool
page attention "model m(xs: [t, 3]) -> [4] { h = xs |> dense(4) |> attention(2, causal=true); mean(h, axis=0) }
train m on d, batch=2, steps=1 { minimize sum(sin(m(xs))) by sgd(0.1) }"; run attention
page embedding "model m(c: class(6)) -> [4] { c |> embedding(4) |> tanh |> dense(4) }
train m on d, batch=5, steps=1 { minimize sum(m(c)^2) by sgd(0.1) }"; run embedding
page adapted "model m(x: [6]) -> [6] { x |> dense(4) |> tanh |> dense(6) }
train m on d, batch=2, steps=1 {
    theta = m.params
    scan _ in 0..3 { theta = theta - 0.1 * grad(mse(m(x; theta), y), theta) }
    minimize mse(m(x; theta), q) by sgd(0.1)
}"; run adapted
# must fail: the value is tanh(x) but half of the derivative is missing
page wrong "def bad(x: []) -> [] { 0.5 * tanh(x) + 0.5 * stop(tanh(x)) }
model m(x: [6]) -> [6] { x |> dense(6) |> bad }
train m on d, batch=3, steps=1 { minimize sum(sin(m(x) + y)) by sgd(0.1) }"
if "$NNC" run --dtype=f64 "$TMP/wrong.nn" gradcheck >"$TMP/wrong.out" 2>&1; then fail "a wrong derivative is caught" "$(tail -n 3 "$TMP/wrong.out")"
elif grep -q 'dense.weight' "$TMP/wrong.out"; then ok "a wrong derivative is caught"
else fail "a wrong derivative is caught" "$(tail -n 3 "$TMP/wrong.out")"; fi
