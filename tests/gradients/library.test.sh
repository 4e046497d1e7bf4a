# library.test.sh: each layer, activation, loss of the library, with its options, and each primitive: derivatives to order 2, bits.
# What works over space is in windows.test.sh. A function of the library or a primitive that no case names fails.
. tests/lib.sh
. tests/gradients/cases.sh
FIELDS='x: [6] = normal(); y: [6] = normal(); c: class(6) = choose(6); q: [6] = uniform(0.1, 1)'

# ---- number by number
fresh "$FIELDS"
unary() { case_of "$1" "(x: [6]) -> [6]" "x |> dense(6) |> $2" "sum(sin(m_~(x) + y))"; }
for f in sigmoid tanh relu leaky_relu elu gelu silu softplus softmax log_softmax exp sin cos erf abs; do unary $f $f; done
unary leaky_relu_slope "leaky_relu(0.3)"
unary elu_alpha "elu(alpha=0.5)"
unary sqrt "exp |> sqrt"
unary log "exp |> log"
both
fresh "$FIELDS"
number() { case_of "$1" "(x: [6], y: [6], q: [6]) -> [6]" "a = x |> dense(6); b = tanh(a + y) + 2; $2" "sum(sin(m_~(x, y, q)))"; }
number quotient "a / b + q / b"
number power "q^a + sigmoid(a)^1.7 + a^2 + a^3 + b^a"
number floor "b * floor(3 * a) + sign(a) * a"
number maximum "maximum(a, b) * minimum(a, y) + maximum(a, 0.2)"
number where "where(a > y, a * b, sin(b)) + where(a == b, 3, a)"
number logic "where(not (a > 0) and b > 0 or a > 1, a, 2 * b)"
number int "a * int(3 * y) + int(a > 0) * b"
number batch_variance "batch_variance(a) * b"
number log_and_sign "sum(sin(log_and_sign(a)), axis=1) + sum(sin(log_and_sign(a, 0.5)), axis=1)"
both

# ---- along axes, shapes, places, records, draws
fresh "$FIELDS"
shape() { case_of "$1" "(x: [6], y: [6], c: class(6)) -> []" "a = reshape(x |> dense(12) |> tanh, 3, 4); $2" "m_~(x, y, c)^2 + m_~(x, y, c)"; }
shape sum "sum(sin(sum(a, axis=0))) + sum(sin(sum(a, axis=[0, 1], keep=true) * a))"
shape mean "sum(sin(mean(a, axis=1))) + mean(a)^2 + sum((a - mean(a, axis=-1, keep=true))^3)"
shape max "max(a) * min(a) + sum(sin(max(a, axis=0))) + sum(cos(min(a, axis=1, keep=true) * a))"
shape argmax "sum(sin(a[0, argmax(a[1])])) + a[2, argmin(a[0])] * a[0, 0]"
shape top_k "values, at = top_k(a, 2); sum(sin(values) * [[1, 2], [3, 4], [5, 6]]) + sum(sin(a[0, at]))"
shape cumsum "sum(sin(cumsum(a))) + sum(cumprod(1 + a) * cumsum(a))"
shape batch_mean "sum(sin(a - batch_mean(a))) + sum(a / sqrt(batch_mean(a^2) + 0.1))"
shape one_hot "sum(sin(one_hot(c)[:4] * a)) + sum(one_hot(1, 3)[:, None] * a^2) + sum(a[0, to_class(int(3 * y[0]), 4)])"
shape reshape "sum(sin(reshape(a, 4, 3) @ a)) + sum(sin(reshape(a, 2, 6)[1] * y))"
shape transpose "sum(sin(transpose(a) @ a)) + sum(transpose(reshape(a, 2, 3, 2), 2, 0, 1)^3 * reshape(a, 2, 2, 3))"
shape concat "sum(sin(concat(a, a^2))) + sum(sin(concat(a, 2 * a, axis=0) |> cumsum))"
shape split "p, q = split(a, 2); u, v, w = split(a, 3, axis=0); sum(sin(p) * q) + sum(sin(u * v - w))"
shape reverse "sum(sin(reverse(a)) * a) + sum(reverse(a, 2) * a^2) + sum(reverse(a, axis=1) * sin(a))"
shape pad "sum(sin(pad(a, 1, 2) |> cumsum)) + sum(pad(a, 0, 1, axis=1, value=2)[:, 1:] * a^2)"
shape slices "sum(sin(a[1:, :2]) * a[:-1, 2:]) + a[-1, -1] * a[0, 1] + sum(a[:, None, 1] * a[None, :, 0])"
shape indices "sum(sin(a[1, to_class(int(c) // 2, 4)] * a[0])) + sum(a[int(2 * abs(y))]^2)"
shape matmul "sum(sin(a @ transpose(a) @ a)) + sum((a @ a[0]) * (a[0] @ transpose(a)))"
shape filled "sum(sin(zeros(3, 4) + a) * ones(3, 4)) + size(a) * a[0, 0] + shape(a)[0] * a[1, 1]^2"
both
fresh "$FIELDS; pairs: [5, 2] = normal()"
add records "model m_~(x: [6]) -> [6] { x |> dense(4) |> tanh |> dense(6) }
train m_~ on d as ~, batch=BATCH, steps=2 {
    theta = m_~.params
    v = flat(theta)
    other = shaped(sin(v) + v, theta)
    minimize sum(sin(m_~(x; other))) + sum(like(theta, 0.3) * theta) + sum(theta^2) / size(theta) by sgd(0.1)
}"
add draws "model m_~(x: [6]) -> [6] { a = x |> dense(6); z: [6] = normal(a, exp(0.3 * a)); u: [6] = uniform(a, a + 2); z * u }
train m_~ on d as ~, batch=BATCH, steps=2 {
    order = permutation(6)
    minimize sum(sin(m_~(x)) * x[order]) + x[choose(6)] * sum(m_~(x)) + int(bernoulli(0.5)) * mse(m_~(x), y) by sgd(0.1)
}"
add gradient_penalty "model m_~(x: [6]) -> [6] { x |> dense(6) |> tanh |> dense(6) }
train m_~ on d as ~, batch=BATCH, steps=2 { minimize sum(grad(sum(m_~(x)^2), x)^2) by sgd(0.1) }"
add adapted "model m_~(x: [6]) -> [6] { x |> dense(4) |> tanh |> dense(6) }
train m_~ on d as ~, batch=BATCH, steps=2 {
    theta = m_~.params
    scan _ in 0..3 { theta = theta - 0.1 * grad(mse(m_~(x; theta), y), theta) }
    minimize mse(m_~(x; theta), q) by sgd(0.1)
}"
case_of nested_scan "(pairs: [t, 2]) -> [2]" "h: [2] = 0; rows = scan p in pairs { g = h; scan k in 0..3 { g = tanh(g |> dense(2)) + 0.1 * p }; h = g * p + 0.5 * h; h }; h + sum(rows, axis=0) + rows[0]" "sum(sin(m_~(pairs)))"
case_of mapped_scan "(pairs: [t, 2]) -> [2]" "h = pairs; scan k in 0..2 { h = tanh(h |> dense(2)) }; sum(h^2, axis=0)" "sum(sin(m_~(pairs)))"
case_of repeated "(x: [6]) -> [6]" "repeat 2 { x = x |> dense(6) |> tanh }; repeat n in [3, 6] { x = x |> dense(n) |> sin }; x" "sum(sin(m_~(x)))"
both
machine_gradients

# ---- layers
fresh "$FIELDS; xs: [4, 3] = normal()"
unary dense "dense(5) |> tanh |> dense(6, bias=false)"
for init in glorot he lecun fan_in_uniform; do unary dense_$init "dense(5, init=$init) |> tanh |> dense(6, init=$init)"; done
unary layer_norm layer_norm
unary layer_norm_eps "layer_norm(eps=0.1)"
unary batch_norm batch_norm
unary batch_norm_options "batch_norm(momentum=0.5, eps=0.01, running=false)"
unary dropout "dropout(0.3)"
case_of initial "(x: [6]) -> [4]" "param a: [6, 4] = orthogonal(6, 4); param b: [4, 2] = truncated_normal(0, 0.5); param e: [2, 4] = orthogonal(2, 4); tanh(tanh(x @ a) @ b) @ e" "sum(sin(m_~(x)))"
case_of orthonormal "(x: [6]) -> [2]" "a = reshape(x |> dense(6), 2, 3); orthonormal(a) @ x[:3]" "sum(sin(m_~(x)))"
case_of embedding "(c: class(6)) -> [4]" "c |> embedding(4) |> tanh |> dense(4)" "sum(m_~(c)^2)"
case_of shift "(xs: [t, 3]) -> [3]" "h = xs |> dense(3) |> tanh; h = h + shift(h)^2; last(h) + last(h, 2)" "sum(sin(m_~(xs)))"
case_of scalar "(x: [6]) -> []" "x |> dense(1) |> scalar" "sin(m_~(x))"
case_of batch_norm_time "(xs: [t, 3]) -> [3]" "xs |> dense(3) |> batch_norm |> tanh |> last" "sum(sin(m_~(xs)))"
both

# ---- losses, distances; measures are reported
fresh "$FIELDS; xs: [5, 3] = normal(); cs: class(2)[5] = choose(2); length = int(uniform(1, 6))"
loss() { add "$1" "model m_~(x: [6]) -> [6] { x |> dense(6) |> tanh |> dense(6) }
train m_~ on d as ~, batch=BATCH, steps=2 { minimize $2 by sgd(0.1); ${3:-} }"; }
loss cross_entropy "cross_entropy(m_~(x), c)" "report accuracy(m_~(x), c); report top_accuracy(m_~(x), c, 2); report confusion(m_~(x), c); report p = perplexity(cross_entropy(m_~(x), c))"
loss binary_cross_entropy "sum(binary_cross_entropy(m_~(x), q))"
loss mse "mse(m_~(x), y)" "report rmse(m_~(x), y); report r2(m_~(x), y)"
loss mae "mae(m_~(x), y)"
loss huber "huber(m_~(x), y)"
loss huber_delta "huber(m_~(x), y, 0.3)"
loss hinge "hinge(m_~(x), c)"
loss hinge_margin "hinge(m_~(x), c, margin=0.2)"
loss binary_hinge "sum(binary_hinge(m_~(x), where(y > 0, 1, -1))) + sum(binary_hinge(m_~(x), 1, margin=0.3))"
loss kl_divergence "kl_divergence(q / sum(q), softmax(m_~(x)))"
loss kl_normal "sum(kl_normal(m_~(x), 0.3 * m_~(x) as again)) + sum(kl_normal(m_~(x), y, y, m_~(x)))"
loss squared_distance "squared_distance(m_~(x), y)"
loss cosine "cosine(m_~(x), y)"
loss distance "distance(m_~(x), y)"
loss triplet_loss "triplet_loss(m_~(x), y, q, margin=20)"
loss triplet_loss_plain "triplet_loss(m_~(x), y, q)"
loss contrastive_loss "contrastive_loss(m_~(x), y, bernoulli(0.5), margin=9)"
loss contrastive_loss_plain "contrastive_loss(0.1 * m_~(x), 0.1 * y, 0)"
sequence_loss() { add "$1" "model m_~(xs: [t, 3]) -> [t, 2] { xs |> gru(3) |> dense(2) }
train m_~ on d as ~, batch=BATCH, steps=2 { minimize $2 by sgd(0.1); ${3:-} }"; }
sequence_loss masked_cross_entropy "masked_cross_entropy(m_~(xs), cs, length)" "report accuracy_by_occurrence(m_~(xs), cs, 3)"
sequence_loss masked_cross_entropy_whole "masked_cross_entropy(m_~(xs), cs)"
sequence_loss masked_mean "masked_mean(sum(m_~(xs)^2, axis=1), length)"
both

# ---- sequences
fresh "$FIELDS; xs: [4, 3] = normal(); length = int(uniform(1, 5))"
sequence() { case_of "$1" "(xs: [t, 3], length: int) -> [5]" "xs |> $2 |> last |> dense(5)" "sum(sin(m_~(xs, length)))"; }
for f in rnn lstm gru; do
    sequence $f "$f(3)"
    sequence bidirectional_$f "bidirectional_$f(2)"
    sequence bidirectional_${f}_length "bidirectional_$f(2, length=length)"
done
sequence bidirectional_lstm_forget "bidirectional_lstm(2, forget=1)"
sequence two_lstms "lstm(3) |> lstm(2)"
states() { case_of "$1" "(xs: [t, 3], s: [2, 4], length: int) -> [4]" "$2" "sum(sin(m_~(xs, transpose(xs[:, :2]), length)))"; }
states rnn_start "xs |> rnn(4, start=s[0]) |> last"
states lstm_start "xs |> lstm(4, start=s, forget=1) |> last(length)"
states gru_start "xs |> gru(4, start=s[1]) |> last(length)"
states learned_start "param h: [2, 4] = normal(); xs |> lstm(4, start=h) |> last"
states rnn_cell "h = s[0]; scan x in xs { h = rnn_cell(x, h) }; h"
states lstm_cell "h = s[0]; c = s[1]; scan x in xs { h, c = lstm_cell(x, h, c, forget=1) }; h"
states gru_cell "h = s[0]; scan x in xs { h = gru_cell(x, h) }; h"
states both_ends "xs |> bidirectional_gru(2) |> both_ends |> dense(4)"
states both_ends_length "xs |> bidirectional_lstm(2, length) |> both_ends(length) |> dense(4)"
both 24
fresh "$FIELDS; xs: [4, 3] = normal(); s: [2, 4] = normal()"
for f in rnn lstm gru; do add ${f}_keep "model m_~(xs: [t, 3]) -> [5] { xs |> $f(3, keep=true) |> last |> dense(5) }
train m_~ on d as ~, batch=BATCH, steps=4, hold=2 { minimize sum(sin(m_~(xs))) by sgd(0.1) }"; done
attend() { case_of "$1" "(xs: [4, 3], s: [2, 4]) -> [4]" "h = xs |> dense(4); $2" "sum(sin(m_~(xs, s)))"; }
attend attention "h |> attention(2) |> mean(axis=0)"
attend attention_causal "h |> attention(2, causal=true) |> last"
attend attention_head "attention_head(h, h, 2 * h, true)[2]"
attend cross_attention "h |> cross_attention(s, 2) |> last"
attend sinusoidal_positions "h |> sinusoidal_positions |> tanh |> last"
attend learned_positions "h |> learned_positions |> tanh |> last"
attend transformer_block "h |> transformer_block(2) |> last"
attend transformer_block_options "h |> sinusoidal_positions |> transformer_block(1, causal=true, widen=2, drop=0.2) |> last"
both 24

# ---- optimizers and schedules: what an inner loop learns with is differentiated through
fresh "$FIELDS"
inner() { add "$1" "model m_~(x: [6]) -> [6] { x |> dense(3) |> tanh |> dense(6) }
param rate_~ = 0.05
train m_~, rate_~ on d as ~, batch=BATCH, steps=2 {
    theta = m_~.params
    scan _ in 0..3 { minimize mse(m_~(x; theta), y) by $2 on theta }
    minimize mse(m_~(x; theta), q) by $3
}"; }
inner sgd "sgd(rate_~)" "sgd(0.1 * step_decay(step, 1, 0.5))"
inner sgd_momentum "sgd(rate_~, momentum=0.9)" "sgd(0.1 * exponential_decay(step, 0.9), momentum=0.9)"
inner sgd_nesterov "sgd(rate_~, momentum=0.9, nesterov=true, decay=0.01, clip=0.5)" "sgd(0.1 * cosine_decay(progress), momentum=0.5, nesterov=true, decay=0.1)"
inner adam "adam(rate_~)" "adam(0.1 * warm_up(step, 3))"
inner adam_options "adam(rate_~, beta1=0.8, beta2=0.9, eps=1e-3, decay=0.1, clip=0.3)" "adam(0.1 * cosine_decay(progress, 0.1), decay=0.01, clip=1)"
inner rmsprop "rmsprop(rate_~, rho=0.8, clip=0.4)" "rmsprop(0.01)"
inner adagrad "adagrad(rate_~, clip=0.4)" "adagrad(0.1 * one_over_t(step, 5), clip=0.4)"
add clip_norm "model m_~(x: [6]) -> [6] { x |> dense(3) |> tanh |> dense(6) }
train m_~ on d as ~, batch=BATCH, steps=2 {
    theta = m_~.params
    theta = theta - 0.5 * clip_norm(grad(mse(m_~(x; theta), y), theta), 0.2)
    minimize mse(m_~(x; theta), q) by sgd(0.1)
}"
both 24

# ---- of a file: columns standardised by averages over the training rows
awk 'BEGIN { for (i = 0; i < 60; i++) print i % 7 "," i * i % 11 "," i * 5 % 3 }' >"$TMP/rows.csv"
fresh ""
echo 'data table = csv("rows.csv"), test=20% { pair: [2] = standardize(columns(0..2)); third: [1] = columns(2..3) / deviation(columns(2..3)) }' >"$TMP/page.nn"
add standardized "model m_~(x: [2]) -> [1] { x |> dense(3) |> tanh |> dense(1) }
train m_~ on table as ~, batch=BATCH, steps=2 { minimize mse(m_~(pair), third) by sgd(0.1) }"
both 16

# ---- wrong derivatives are noticed: the value is right each time; a part of a derivative is missing or stands elsewhere
fresh "$FIELDS; xs: [4, 3] = normal()"
echo 'def instead(right, other) { stop(right - other) + other }        # the value of one, the derivative of the other' >>"$TMP/page.nn"
wrong() { case_of "wrong_$1" "(x: [6], c: class(6), xs: [t, 3]) -> []" "a = x |> dense(6) |> tanh; $2" "sin(m_~(x, c, xs))"; }
wrong map "sum(0.5 * tanh(a) + 0.5 * stop(tanh(a)))"
wrong sum "instead(sum(a^2), 1.01 * sum(a^2))"
wrong product "sum(instead(reshape(a, 2, 3) @ a[:3], 1.01 * (reshape(a, 2, 3) @ a[:3])))"
wrong view "sum(instead(reverse(a), a) * x)"
wrong index "instead(a[c], a[to_class(int(c) + 1, 6)])"
wrong window "w = reshape(a, 3, 1, 2); h = xs |> dense(1); sum(sin(instead(convolve(h, w), convolve(h, reverse(w)))))"
wrong scan "h = a; scan x in xs { h = tanh(0.5 * stop(h) + 0.5 * h |> dense(6)) }; sum(h)"
wrong custom "sum(instead(floor(3 * a), 3 * a))"
wrong second "b = stop(a); sum(instead(a^3, b^3 + 3 * b^2 * (a - b)))"
gradients >"$TMP/verdicts"
for name in $names; do
    if grep -q "^FAIL gradcheck --order 2: $name: seen" "$TMP/verdicts"; then ok "noticed: $name"; else fail "noticed: $name" "$(grep "$name:\|$name\$" "$TMP/verdicts") $(tail -c 300 "$TMP/log")"; fi
done
found=$(grep '"wrong_second"' "$TMP/check.json" | grep '"order":1' | grep -v '"wrong":0,')
if [ -z "$found" ]; then ok "a wrong second derivative of a right first one is told apart"; else fail "a wrong second derivative of a right first one is told apart" "$found"; fi

# ---- nothing of the library is without a case
missing=
grep -v '^ *#' tests/gradients/windows.test.sh >>"$TMP/cases"
for name in $(sed -n 's/^\(def\|optimizer\) \([a-z_0-9]*\)(.*/\2/p' runtime/library/*.nn) $(sed -n '/^\/\* data/q;s/^BUILTIN("\([a-z_0-9]*\)",.*/\1/p' compiler/sema/builtin.def); do
    grep -qw "$name" "$TMP/cases" || missing="$missing $name"
done
if [ -z "$missing" ]; then ok "each function of the library has a case"; else fail "each function of the library has a case" "not:$missing"; fi
