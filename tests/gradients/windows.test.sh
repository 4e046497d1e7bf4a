# windows.test.sh: what works over space: products over windows, pools, the layers made of them; strides, padding, both dilations, groups,
# one to three axes of space, weights of each task. Derivatives to order 2, and the same bits, as in library.test.sh. The picture is
# computed (y), so gradients by pictures are checked too.
. tests/lib.sh
. tests/gradients/cases.sh
net() { # net NAME SHAPE WEIGHTS LAYER CHANNELS: LAYER on y: SHAPE with w: WEIGHTS
    add "$1" "data d_~, test=4, validate=4 { x: $2 = normal(); goal = normal() }
model m_~(x: $2) -> [] {
    param a: [$5] = normal(1, 0.3)
    param w: $3 = normal(0, 0.4)
    y = sin(x * a)
    sum(sin($4)) / 3
}
train m_~ on d_~ as ~, batch=BATCH, steps=2 { minimize (m_~(x) - goal)^2 by sgd(0.1) }"
}
fresh "z = normal()"
net plain "[5, 6, 2]" "[3, 2, 2, 3]" "convolve(y, w)" 2
net stride_padding "[7, 6, 2]" "[3, 3, 2, 2]" "convolve(y, w, stride=2, padding=1)" 2
net other_axes "[7, 6, 2]" "[3, 2, 2, 2]" "convolve(y, w, stride=[2, 1], padding=[0, 1], dilation=[1, 3])" 2
net dilation "[7, 7, 2]" "[2, 3, 2, 2]" "convolve(y, w, dilation=2, padding=2)" 2
net spread "[3, 3, 2]" "[4, 4, 2, 2]" "convolve(y, w, dilate=2, padding=2)" 2
net spread_stride "[4, 3, 2]" "[3, 3, 2, 2]" "convolve(y, w, dilate=3, padding=1, stride=2)" 2
net groups "[5, 5, 4]" "[3, 3, 2, 6]" "convolve(y, w, groups=2)" 4
net depthwise "[5, 5, 3]" "[3, 3, 1, 6]" "convolve(y, w, groups=3, padding=1)" 3
net all "[6, 7, 4]" "[2, 3, 2, 2]" "convolve(y, w, groups=2, stride=2, dilation=2, padding=2)" 4
both 12
fresh "z = normal()"
net line "[9, 2]" "[3, 2, 3]" "convolve(y, w, stride=2, padding=1)" 2
net line_groups "[9, 4]" "[2, 2, 4]" "convolve(y, w, groups=2, dilation=3)" 4
net line_spread "[4, 2]" "[3, 2, 2]" "convolve(y, w, dilate=2, padding=2)" 2
net box "[3, 4, 3, 2]" "[2, 2, 2, 2, 2]" "convolve(y, w, padding=[1, 0, 0])" 2
net box_all "[4, 4, 5, 2]" "[2, 1, 2, 1, 2]" "convolve(y, w, groups=2, stride=[2, 1, 1], dilation=[1, 1, 2])" 2
net box_spread "[2, 2, 2, 2]" "[2, 2, 2, 2, 1]" "convolve(y, w, dilate=2, padding=1)" 2
net two_layers "[6, 6, 2]" "[3, 3, 2, 2]" "convolve(tanh(convolve(y, w, padding=1)), w, stride=2)" 2
net avg_pool "[5, 6, 2]" "[2, 2]" "avg_pool2d(y @ w, 3, stride=2)" 2
net max_pool "[4, 6, 2]" "[2, 2]" "max_pool2d(y @ w, 2)" 2
net relu_pool "[4, 6, 2]" "[2, 2]" "max_pool2d(relu(y @ w), 2)" 2
net overlapping "[5, 5, 2]" "[2, 2]" "max_pool2d(y @ w, 3, stride=1)" 2
net pool_line "[8, 2]" "[2, 2]" "max_pool1d(y @ w, 3, stride=2) + avg_pool1d(y @ w, 3, stride=2)" 2
net pool_box "[2, 4, 4, 2]" "[2, 2]" "avg_pool3d(y @ w, [2, 2, 1])" 2
net max_pool_box "[3, 4, 4, 2]" "[2, 2]" "max_pool3d(y @ w, 2, stride=[1, 2, 1])" 2
both 12

# ---- a batch of a multiple of 16: pictures lie side by side where channels are few
fresh "z = normal()"
net plain_by_pictures "[5, 6, 2]" "[3, 2, 2, 3]" "convolve(y, w)" 2
net stride_by_pictures "[7, 6, 2]" "[3, 3, 2, 2]" "convolve(y, w, stride=2, padding=1)" 2
net spread_by_pictures "[3, 3, 2]" "[4, 4, 2, 2]" "convolve(y, w, dilate=2, padding=2)" 2
net groups_by_pictures "[5, 5, 4]" "[3, 3, 2, 6]" "convolve(y, w, groups=2)" 4
net layers_by_pictures "[6, 6, 2]" "[3, 3, 2, 2]" "avg_pool2d(tanh(convolve(convolve(y, w, padding=1), w)), 2)" 2
net max_pool_by_pictures "[4, 6, 2]" "[3, 3, 2, 2]" "max_pool2d(convolve(y, w, padding=1), 2)" 2
CHECKED=16 both 32

# ---- layers
fresh "image: [6, 5, 4] = normal(); xs: [7, 3] = normal()"
space() { case_of "$1" "(image: [6, 5, 4]) -> [2]" "image |> $2 |> tanh |> global_avg_pool |> dense(2)" "sum(sin(m_~(image)))"; }
space conv2d "conv2d(3)"
space conv2d_stride "conv2d(2, kernel=2, stride=2, padding=1, bias=false)"
space conv2d_same "conv2d(2, kernel=2, same=true, init=he)"
space conv2d_dilation "conv2d(2, dilation=2, same=true)"
space conv2d_groups "conv2d(4, groups=2, stride=2, same=true)"
space depthwise_conv2d "depthwise_conv2d(multiplier=2, stride=2, same=true)"
space depthwise_conv2d_options "depthwise_conv2d(kernel=2, padding=1, dilation=2, bias=false, init=lecun)"
space conv2d_transpose "conv2d_transpose(2)"
space conv2d_transpose_options "conv2d_transpose(2, kernel=3, stride=3, padding=0, bias=false, init=he)"
space global_max_pool "conv2d(3, kernel=2) |> global_max_pool |> dense(4) |> reshape(2, 2, 1)"
both 12
fresh "image: [6, 5, 4] = normal(); xs: [7, 3] = normal()"
space group_norm "group_norm(2)"
space instance_norm "group_norm(groups=4, eps=0.01)"
space batch_norm_space "conv2d(2) |> batch_norm"
space layer_norm_space "conv2d(2) |> layer_norm"
space dropout_space "conv2d(2) |> dropout(0.4)"
space pools "max_pool2d(2, stride=1) |> avg_pool2d(2)"
line() { case_of "$1" "(xs: [t, 3]) -> [2]" "xs |> $2 |> tanh |> last |> dense(2)" "sum(sin(m_~(xs)))"; }
line conv1d "conv1d(4)"
line conv1d_causal "conv1d(4, kernel=2, causal=true, dilation=2) |> tanh |> conv1d(2, stride=2, padding=1)"
line conv1d_options "conv1d(3, kernel=4, same=true, bias=false) |> tanh |> conv1d(6, groups=3, init=he)"
case_of conv3d "(image: [6, 5, 4]) -> [2]" "reshape(image, 6, 5, 2, 2) |> conv3d(2, kernel=2, padding=1, stride=2) |> tanh |> flatten3d |> dense(2)" "sum(sin(m_~(image)))"
case_of conv3d_options "(image: [6, 5, 4]) -> [2]" "reshape(image, 3, 2, 5, 4) |> conv3d(4, kernel=2, same=true, dilation=2, groups=2, bias=false, init=he) |> tanh |> flatten3d |> dense(2)" "sum(sin(m_~(image)))"
case_of flatten1d "(xs: [7, 3]) -> [2]" "xs |> conv1d(2) |> tanh |> flatten1d |> dense(2)" "sum(sin(m_~(xs)))"
case_of flatten "(image: [6, 5, 4]) -> [2]" "image |> conv2d(2, kernel=4) |> flatten |> dense(2)" "sum(sin(m_~(image)))"
add tasks "data sets_~, test=4, validate=4 { x: [4, 5, 5, 2] = normal(); y: [4, 3] = normal() }
model m_~(x: [5, 5, 2]) -> [3] { param w: [3, 3, 2, 4] = normal(0, 0.4); convolve(x, w, stride=2, padding=1) |> tanh |> flatten |> dense(3) }
train m_~ on sets_~ as ~, batch=BATCH, steps=2 {
    theta = m_~.params
    scan _ in 0..2 { theta = theta - 0.1 * grad(mse(m_~(x; theta), y), theta) }
    minimize mse(m_~(x; theta), y) by sgd(0.1)
}"
both 12
machine_gradients
