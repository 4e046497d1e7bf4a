/* loop_test.c: loop IR by hand -> machine code -> bits, against the same thing said in C. Statements, addresses, orders of sums,
** calls, tasks, hooks, and what the verifier refuses. Operators one by one are loop_ops_test.c. */
#include "loop_run.h"
#include <sys/wait.h>
#include <unistd.h>

static float *floats(u8 *block, i64 offset) { return (float *)(void *)(block + offset); }
static i32 *ints(u8 *block, i64 offset) { return (i32 *)(void *)(block + offset); }
static void fill(float *x, i64 n) {
    for (i64 i = 0; i < n; i++) x[i] = random_f32();
}

/* ---- orders of sums ---- */

/* out[0]: chain; out[1]: lanes and tree; out[2]: cut in 4 blocks of 26, the last of 22; 100 elements. */
static void sums_build(Run *r) {
    LoopBuilder b = run_begin(r, "sums");
    int x = loop_block(&b, SPACE_BATCH, 0, DT_f32, 100, false), y = loop_block(&b, SPACE_OUT, 0, DT_f32, 3, true);
    LoopValue *zero = loop_real(&b, ELEM_F32, 0), *zeros = loop_splat(&b, zero);
    LoopFor *k = loop_for(&b, FOR_SERIAL, 100, 1, 1, &zero);
    LoopValue *next = loop_op(&b, LOP_add, k->acc[0], loop_load(&b, x, affine_loop(affine(0), k, 1)));
    loop_for_end(&b, &next);
    loop_store(&b, y, affine(0), k->results[0]);

    LoopFor *v = loop_for(&b, FOR_SERIAL, 96, 16, 1, &zeros);
    next = loop_op(&b, LOP_add, v->acc[0], loop_load_lanes(&b, x, affine_loop(affine(0), v, 1), 1));
    loop_for_end(&b, &next);
    LoopValue *tail = loop_load_part(&b, x, affine(96), 1, affine(4));
    loop_store(&b, y, affine(1), loop_op(&b, LOP_tree, loop_op(&b, LOP_add, v->results[0], tail)));

    LoopValue *parts[4];
    for (int g = 0; g < 4; g++) {
        LoopFor *p = loop_for(&b, FOR_SERIAL, g < 3 ? 26 : 22, 1, 1, &zero);
        next = loop_op(&b, LOP_add, p->acc[0], loop_load(&b, x, affine_loop(affine(26 * g), p, 1)));
        loop_for_end(&b, &next);
        parts[g] = p->results[0];
    }
    LoopValue *low = loop_op(&b, LOP_add, parts[0], parts[1]), *high = loop_op(&b, LOP_add, parts[2], parts[3]);
    loop_store(&b, y, affine(2), loop_op(&b, LOP_add, low, high));
    run_entry(r, &b);
}
static void test_sums(const char *cpu) {
    Run *r = run_new(cpu);
    sums_build(r);
    run_compile(r);
    float *x = floats(r->batch, 0), want[3] = {0}, lanes[16] = {0}, part[4] = {0};
    fill(x, 100);
    run_call(r, "sums");
    for (int i = 0; i < 100; i++) want[0] += x[i], lanes[i % 16] += x[i], part[i / 26] += x[i];
    for (int s = 8; s; s /= 2)
        for (int l = 0; l < s; l++) lanes[l] += lanes[l + s];
    want[1] = lanes[0];
    want[2] = (part[0] + part[1]) + (part[2] + part[3]);
    same_f32(floats(r->out, 0), want, 3, "sums");
    run_free(r);
}

/* ---- a register tile ---- */

enum { M = 12, N = 27, K = 70 }; /* 12 rows of 2 vectors, the second with 11 lanes */
static void tile_build(Run *r) {
    LoopBuilder b = run_begin(r, "tile");
    int x = loop_param(&b, DT_f32, M * K, false), w = loop_param(&b, DT_f32, K * N, false), y = loop_param(&b, DT_f32, M * N, true);
    LoopValue *acc[2 * M], *next[2 * M], *zero = loop_splat(&b, loop_real(&b, ELEM_F32, 0));
    for (int i = 0; i < 2 * M; i++) acc[i] = zero;
    LoopFor *k = loop_for(&b, FOR_SERIAL, K, 1, 2 * M, acc);
    LoopValue *row[2];
    for (int j = 0; j < 2; j++) row[j] = loop_load_lanes(&b, w, affine_loop(affine(16 * j), k, N), 1);
    for (int i = 0; i < M; i++) {
        LoopValue *a = loop_load_lanes(&b, x, affine_loop(affine(K * i), k, 1), 0);
        for (int j = 0; j < 2; j++) next[2 * i + j] = loop_op(&b, LOP_fma, a, row[j], k->acc[2 * i + j]);
    }
    loop_for_end(&b, next);
    for (int i = 0; i < M; i++) {
        loop_store(&b, y, affine(N * i), k->results[2 * i]);
        loop_store_part(&b, y, affine(N * i + 16), k->results[2 * i + 1], affine(11));
    }
    LoopFunction *tile = run_kernel(r, &b);
    LoopBuilder e = run_begin(r, "product");
    LoopArgument arguments[] = {{loop_block(&e, SPACE_BATCH, 0, DT_f32, M * K, false), affine(0)},
                                {loop_block(&e, SPACE_LASTING, 64, DT_f32, K * N, false), affine(0)},
                                {loop_block(&e, SPACE_OUT, 128, DT_f32, M * N, true), affine(0)}};
    loop_call(&e, tile, arguments, NULL, -1);
    run_entry(r, &e);
}
static void test_tile(const char *cpu) {
    Run *r = run_new(cpu);
    tile_build(r);
    run_compile(r);
    float *x = floats(r->batch, 0), *w = floats(r->lasting, 64), want[M * N] = {0};
    fill(x, M * K), fill(w, K * N);
    for (int i = 0; i < M; i++)
        for (int j = 0; j < N; j++)
            for (int k = 0; k < K; k++) want[i * N + j] = fmaf(x[i * K + k], w[k * N + j], want[i * N + j]);
    run_call(r, "product");
    same_f32(floats(r->out, 128), want, M * N, "tile");
    check(isnan(floats(r->out, 128)[M * N]), "tile", "it writes behind the last lane");
    const char *why = NULL, *text = llvm_text(&r->c, NULL, r->program, &(LlvmOptions){.cpu = cpu}, LLVM_ASSEMBLY, &why);
    bool wide = strcmp(cpu, "x86-64-v4") == 0;
    check(text && strstr(text, "vfmadd") && (strstr(text, "zmm") != NULL) == wide, "tile", "the listing has no %s",
          wide ? "zmm" : "ymm alone");
    run_free(r);
}

/* ---- addresses: parts, masks, strides, gathers, other dtypes ---- */

static void addresses_build(Run *r) {
    LoopBuilder b = run_begin(r, "addresses");
    int x = loop_block(&b, SPACE_BATCH, 0, DT_f32, 64, false), idx = loop_block(&b, SPACE_BATCH, 256, DT_i32, 16, false);
    int bytes = loop_block(&b, SPACE_BATCH, 320, DT_u8, 16, false), flags = loop_block(&b, SPACE_BATCH, 336, DT_bool, 16, false);
    int y = loop_block(&b, SPACE_OUT, 0, DT_f32, 16 * 9, true), z = loop_block(&b, SPACE_OUT, 1024, DT_bool, 16, true);
    int rows = loop_block(&b, SPACE_OUT, 2048, DT_f32, 20, true);
    loop_store(&b, y, affine(0), loop_load_lanes(&b, x, affine(63), -2));
    LoopValue *index = loop_clamp(&b, loop_load_lanes(&b, idx, affine(0), 1), 0, 31);
    loop_store(&b, y, affine(16), loop_load_lanes(&b, x, affine_value(affine(1), index, 2), 0));
    LoopValue *one = loop_clamp(&b, loop_load(&b, idx, affine(3)), 0, 6);
    loop_store(&b, y, affine(32), loop_load_lanes(&b, x, affine_value(affine(0), one, 8), 1));
    LoopValue *mask = loop_load_lanes(&b, flags, affine(0), 1);
    LoopAccess masked = {.buffer = x, .at = affine(60), .lanes = true, .stride = 1, .mask = mask};
    loop_store(&b, y, affine(48), loop_load_access(&b, masked));
    masked.buffer = y, masked.at = affine(64);
    loop_store_access(&b, masked, loop_load_lanes(&b, x, affine(0), 1));
    loop_store(&b, y, affine(80), loop_cast(&b, loop_load_lanes(&b, bytes, affine(0), 1), ELEM_F32));
    loop_store(&b, z, affine(0), loop_op(&b, LOP_not, mask));
    LoopAccess spread = {.buffer = y, .at = affine(96), .lanes = true, .stride = 3};
    loop_store_access(&b, spread, loop_load_lanes(&b, x, affine(16), 1));
    /* 20 elements, 16 at a time, the last vector short by `part` */
    LoopFor *v = loop_for(&b, FOR_SERIAL, 20, 16, 0, NULL);
    LoopAffine at = affine_loop(affine(0), v, 1), left = affine_loop(affine(20), v, -1);
    LoopValue *numbers = loop_cast(&b, loop_index_lanes(&b, affine_loop(affine(5), v, 2), 2), ELEM_F32);
    loop_store_part(&b, rows, at, loop_op(&b, LOP_add, loop_load_part(&b, x, at, 1, left), numbers), left);
    loop_for_end(&b, NULL);
    run_entry(r, &b);
}
static void addresses_want(const Run *r, float *want, u8 *bools) {
    const float *x = floats(r->batch, 0);
    const i32 *idx = ints(r->batch, 256);
    i32 one = idx[3] < 0 ? 0 : idx[3] > 6 ? 6 : idx[3];
    for (int l = 0; l < 16; l++) {
        i32 i = idx[l] < 0 ? 0 : idx[l] > 31 ? 31 : idx[l];
        bool on = r->batch[336 + l] != 0;
        want[l] = x[63 - 2 * l];
        want[16 + l] = x[1 + 2 * i];
        want[32 + l] = x[8 * one + l];
        want[48 + l] = on ? x[60 + l] : 0;
        if (on) want[64 + l] = x[l];
        want[80 + l] = r->batch[320 + l];
        want[96 + 3 * l] = x[16 + l];
        bools[l] = !on;
    }
}
static void test_addresses(const char *cpu) {
    Run *r = run_new(cpu);
    addresses_build(r);
    run_compile(r);
    float want[16 * 9], rows[20];
    u8 bools[16];
    fill(floats(r->batch, 0), 64);
    for (int l = 0; l < 16; l++) {
        ints(r->batch, 256)[l] = (i32)(random_word() % 50) - 10;
        r->batch[320 + l] = (u8)random_word();
        r->batch[336 + l] = l < 4 && l != 2 ? 1 : 0;
    }
    memcpy(want, r->out, sizeof want);
    addresses_want(r, want, bools);
    for (int i = 0; i < 20; i++) rows[i] = floats(r->batch, 0)[i] + (float)(5 + 2 * i);
    run_call(r, "addresses");
    same_f32(floats(r->out, 0), want, 16 * 9, "addresses");
    same_bytes(r->out + 1024, bools, 16, "addresses of bool");
    same_f32(floats(r->out, 2048), rows, 20, "short last vector");
    check(isnan(floats(r->out, 2048)[20]), "short last vector", "it writes too far");
    run_free(r);
}

/* The same kinds of access for each dtype: a strided part, a gather, a spread store under `part`, scalars by value. */
static void dtype_build(Run *r, Dtype dtype, const char *name) {
    LoopBuilder b = run_begin(r, name);
    int x = loop_block(&b, SPACE_BATCH, 0, dtype, 64, false), idx = loop_block(&b, SPACE_IN, 0, DT_i32, 16, false);
    int y = loop_block(&b, SPACE_OUT, 0, dtype, 80, true);
    LoopFor *i = loop_for(&b, FOR_SERIAL, 2, 1, 0, NULL); /* 16 and 5 lanes */
    LoopAffine part = affine_loop(affine(16), i, -11);
    loop_store(&b, y, affine_loop(affine(0), i, 16), loop_load_part(&b, x, affine_loop(affine(1), i, 20), 3, part));
    loop_for_end(&b, NULL);
    LoopValue *index = loop_clamp(&b, loop_load_lanes(&b, idx, affine(0), 1), 0, 20);
    LoopValue *gathered = loop_load_lanes(&b, x, affine_value(affine(2), index, 3), 0);
    LoopAffine ten = affine(10);
    LoopAccess spread = {.buffer = y, .at = affine(62), .lanes = true, .stride = -2, .part = &ten};
    loop_store_access(&b, spread, gathered);
    LoopValue *one = loop_clamp(&b, loop_load(&b, idx, affine(5)), 3, 9);
    loop_store(&b, y, affine_value(affine(64), one, 1), loop_load(&b, x, affine_value(affine(63), one, -7)));
    run_entry(r, &b);
}
static void test_dtypes(const char *cpu) {
    Run *r = run_new(cpu);
    for (int d = 0; d < DT_COUNT; d++) dtype_build(r, (Dtype)d, dtype_name((Dtype)d));
    run_compile(r);
    for (int d = 0; d < DT_COUNT; d++) {
        int size = dtype_bytes((Dtype)d), n = 80 * size;
        u8 want[80 * 8];
        for (int i = 0; i < 64 * size; i++) r->batch[i] = d == DT_bool ? random_word() & 1 : (u8)(random_word() % 120);
        for (int i = 0; i < 16; i++) ints(r->in, 0)[i] = (i32)(random_word() % 40) - 10;
        memset(r->out, 1, (size_t)n);
        memset(want, 1, sizeof want);
#define ELEMENT(to, from) memcpy(want + (to) * size, r->batch + (from) * size, (size_t)size)
        for (int l = 0; l < 16; l++) {
            i32 i = ints(r->in, 0)[l];
            i = i < 0 ? 0 : i > 20 ? 20 : i;
            ELEMENT(l, 1 + 3 * l);
            if (l < 5) ELEMENT(16 + l, 21 + 3 * l);
            else memset(want + (16 + l) * size, 0, (size_t)size);
            if (l < 10) ELEMENT(62 - 2 * l, 2 + 3 * i);
        }
        i32 one = ints(r->in, 0)[5];
        one = one < 3 ? 3 : one > 9 ? 9 : one;
        ELEMENT(64 + one, 63 - 7 * one);
#undef ELEMENT
        run_call(r, dtype_name((Dtype)d));
        same_bytes(r->out, want, n, dtype_name((Dtype)d));
    }
    run_free(r);
}

/* ---- bounds and branches: a padded window sum y[i] = sum of x[i + k - 2], k < 5, taps inside only; and a select by row ---- */

static void bounds_build(Run *r) {
    LoopBuilder b = run_begin(r, "bounds");
    int x = loop_block(&b, SPACE_BATCH, 0, DT_f32, 7, false), y = loop_block(&b, SPACE_OUT, 0, DT_f32, 7, true);
    int z = loop_block(&b, SPACE_OUT, 64, DT_f32, 7, true);
    LoopValue *zero = loop_real(&b, ELEM_F32, 0);
    LoopFor *i = loop_for(&b, FOR_SERIAL, 7, 1, 0, NULL);
    LoopAffine from = affine_loop(affine(2), i, -1), to = affine_loop(affine(9), i, -1);
    LoopFor *k = loop_for_within(&b, FOR_SERIAL, 5, &from, &to, 1, &zero);
    LoopValue *next = loop_op(&b, LOP_add, k->acc[0], loop_load(&b, x, affine_loop(affine_loop(affine(-2), i, 1), k, 1)));
    loop_for_end(&b, &next);
    loop_store(&b, y, affine_loop(affine(0), i, 1), k->results[0]);
    LoopAffine conditions[] = {affine_loop(affine(-2), i, 1), affine_loop(affine(4), i, -1)};
    LoopIf *inside = loop_if(&b, 2, conditions); /* 2 <= i <= 4: x[i - 2], else 1 or, by a mask, 2 */
    LoopValue *taken = loop_load(&b, x, affine_loop(affine(-2), i, 1));
    loop_else(&b, 1, &taken);
    LoopIf *first = loop_if_mask(&b, loop_op(&b, LOP_lt, loop_load(&b, x, affine_loop(affine(0), i, 1)), zero));
    LoopValue *one = loop_real(&b, ELEM_F32, 1);
    loop_else(&b, 1, &one);
    LoopValue *two = loop_real(&b, ELEM_F32, 2);
    loop_if_end(&b, 1, &two);
    loop_if_end(&b, 1, first->results);
    loop_store(&b, z, affine_loop(affine(0), i, 1), inside->results[0]);
    loop_for_end(&b, NULL);
    run_entry(r, &b);
}
static void test_bounds(const char *cpu) {
    Run *r = run_new(cpu);
    bounds_build(r);
    run_compile(r);
    float *x = floats(r->batch, 0), want[7] = {0}, other[7];
    fill(x, 7);
    for (int i = 0; i < 7; i++) {
        for (int k = 0; k < 5; k++)
            if (i + k - 2 >= 0 && i + k - 2 < 7) want[i] += x[i + k - 2];
        other[i] = i >= 2 && i <= 4 ? x[i - 2] : x[i] < 0 ? 1.0f : 2.0f;
    }
    run_call(r, "bounds");
    same_f32(floats(r->out, 0), want, 7, "bounds");
    same_f32(floats(r->out, 64), other, 7, "branches");
    run_free(r);
}

/* ---- tasks: y[g] = sum over the rows of grain g (5 of 11, last short) of a[row] * scale + t, in a loop over t ---- */

static LoopFunction *grains_kernel(Run *r) {
    LoopBuilder b = run_begin(r, "grains");
    int a = loop_param(&b, DT_f32, 11, false), y = loop_param(&b, DT_f32, 3, true);
    int scratch = loop_local(&b, DT_f32, 16);
    LoopValue *scale = loop_scalar(&b, ELEM_F32), *t = loop_scalar(&b, ELEM_I32), *zero = loop_real(&b, ELEM_F32, 0);
    LoopValue *offset = loop_cast(&b, t, ELEM_F32);
    LoopFor *g = loop_for(&b, FOR_PARALLEL, 6, 2, 0, NULL); /* index 0 2 4: grain times 2 */
    LoopAffine to = affine_loop(affine(11), g, -2);
    LoopFor *k = loop_for_within(&b, FOR_SERIAL, 4, NULL, &to, 1, &zero);
    loop_store(&b, scratch, affine_loop(affine(0), k, 1), loop_load(&b, a, affine_loop(affine_loop(affine(0), g, 2), k, 1)));
    LoopValue *next = loop_op(&b, LOP_fma, loop_load(&b, scratch, affine_loop(affine(0), k, 1)), scale, k->acc[0]);
    loop_for_end(&b, &next);
    LoopValue *half = loop_int(&b, ELEM_I32, 1);
    LoopValue *place = loop_clamp(&b, loop_op(&b, LOP_sar, loop_index(&b, affine_loop(affine(0), g, 1)), half), 0, 2);
    loop_store(&b, y, affine_value(affine(0), place, 1), loop_op(&b, LOP_add, k->results[0], offset));
    loop_for_end(&b, NULL);
    return run_kernel(r, &b);
}
static void test_tasks(const char *cpu, bool pooled) {
    Run *r = run_new(cpu);
    LoopFunction *grains = grains_kernel(r);
    LoopBuilder e = run_begin(r, "scan");
    int xs = loop_block(&e, SPACE_BATCH, 64, DT_f32, 4 * 16, false), ys = loop_block(&e, SPACE_OUT, 0, DT_f32, 4 * 16, true);
    int scales = loop_block(&e, SPACE_HYPERS, 0, DT_f32, 1, false);
    LoopFor *t = loop_for(&e, FOR_SERIAL, 4, 1, 0, NULL); /* rounds last to first */
    LoopArgument arguments[] = {{xs, affine_loop(affine(48), t, -16)}, {ys, affine_loop(affine(0), t, 16)}};
    LoopValue *scalars[] = {loop_load(&e, scales, affine(0)), loop_index(&e, affine_loop(affine(0), t, 1))};
    loop_call(&e, grains, arguments, scalars, 3);
    loop_sync(&e);
    loop_for_end(&e, NULL);
    run_entry(r, &e);
    run_compile(r);
    float *x = floats(r->batch, 64), want[64], scale = 0.37f;
    fill(x, 64);
    memcpy(want, r->out, sizeof want);
    floats(r->hypers, 0)[0] = scale;
    for (int s = 0; s < 4; s++)
        for (int g = 0; g < 3; g++) {
            float sum = 0;
            for (int k = 0; k < 4 && 4 * g + k < 11; k++) sum = fmaf(x[48 - 16 * s + 4 * g + k], scale, sum);
            want[16 * s + g] = sum + (float)s;
        }
    if (pooled) r->call.pool = &r->pool;
    run_call(r, "scan");
    same_f32(floats(r->out, 0), want, 64, pooled ? "tasks of a pool" : "tasks alone");
    check(r->pool.calls == (pooled ? 4 : 0) && r->pool.tasks == (pooled ? 12 : 0), "tasks", "%d calls of %d tasks", r->pool.calls,
          r->pool.tasks);
    run_free(r);
}

/* ---- hooks: nanoseconds by kernel, traps ---- */

static void test_hooks(const char *cpu) {
    Run *r = run_new(cpu);
    LoopBuilder b = run_begin(r, "invert");
    int x = loop_param(&b, DT_f32, 40, false), y = loop_param(&b, DT_f32, 40, true);
    LoopFor *i = loop_for(&b, FOR_SERIAL, 40, 1, 0, NULL);
    LoopAffine at = affine_loop(affine(0), i, 1);
    loop_store(&b, y, at, loop_op(&b, LOP_div, loop_real(&b, ELEM_F32, 1), loop_load(&b, x, at)));
    loop_for_end(&b, NULL);
    LoopFunction *invert = run_kernel(r, &b);
    LoopBuilder e = run_begin(r, "twice");
    int in = loop_block(&e, SPACE_IN, 0, DT_f32, 40, false), middle = loop_block(&e, SPACE_WORK, 0, DT_f32, 40, true);
    int out = loop_block(&e, SPACE_OUT, 0, DT_f32, 40, true);
    loop_call(&e, invert, (LoopArgument[]){{in, affine(0)}, {middle, affine(0)}}, NULL, 5);
    loop_sync(&e);
    loop_call(&e, invert, (LoopArgument[]){{middle, affine(0)}, {out, affine(0)}}, NULL, 6);
    run_entry(r, &e);
    run_compile(r);
    for (int k = 0; k < 40; k++) floats(r->in, 0)[k] = k == 23 || k == 30 ? 0.0f : 1.0f + (float)k;
    i64 ns[8] = {0};
    run_call(r, "twice");
    check(trap_kernel < 0 && floats(r->out, 0)[23] == 0, "hooks", "a trap that was not asked for");
    r->call.kernel_ns = ns;
    r->call.flags = NN_PROFILE;
    run_call(r, "twice");
    check(trap_kernel < 0 && ns[5] > 0 && ns[6] > 0 && ns[5] < 1000000000 && !ns[4] && !ns[7], "hooks", "times %lld %lld",
          (long long)ns[5], (long long)ns[6]);
    r->call.flags = NN_TRAP | NN_PROFILE;
    run_call(r, "twice");
    check(trap_kernel == 5 && trap_element == 23, "hooks", "trap at kernel %lld element %lld", (long long)trap_kernel,
          (long long)trap_element);
    run_free(r);
}

/* ---- 16 x 16 transposition through a local buffer; unrolled loops ---- */

static void test_transpose(const char *cpu) {
    Run *r = run_new(cpu);
    LoopBuilder b = run_begin(r, "transpose");
    int x = loop_block(&b, SPACE_BATCH, 0, DT_f32, 16 * 20, false), y = loop_block(&b, SPACE_OUT, 0, DT_f32, 256, true);
    int local = loop_local(&b, DT_f32, 256);
    LoopValue *rows[16];
    for (int i = 0; i < 16; i++) rows[i] = loop_load_lanes(&b, x, affine(20 * i), 1);
    loop_transpose16(&b, rows);
    for (int i = 0; i < 16; i++) loop_store(&b, local, affine(16 * i), rows[i]);
    LoopValue *zero = loop_splat(&b, loop_real(&b, ELEM_F32, 0));
    LoopFor *i = loop_for(&b, FOR_UNROLLED, 256, 16, 1, &zero); /* y[i] = row i plus the row before it */
    LoopAffine at = affine_loop(affine(0), i, 1);
    LoopValue *row = loop_load_lanes(&b, local, at, 1);
    loop_store(&b, y, at, loop_op(&b, LOP_add, row, i->acc[0]));
    loop_for_end(&b, &row);
    run_entry(r, &b);
    run_compile(r);
    float want[256];
    fill(floats(r->batch, 0), 320);
    for (int k = 0; k < 16; k++)
        for (int l = 0; l < 16; l++)
            want[16 * k + l] = floats(r->batch, 0)[20 * l + k] + (k ? floats(r->batch, 0)[20 * l + k - 1] : 0.0f);
    run_call(r, "transpose");
    same_f32(floats(r->out, 0), want, 256, "transpose");
    run_free(r);
}

/* ---- the program: equal kernels are one, constants are shared, text ---- */

static LoopFunction *copy_kernel(Run *r, const char *name, i64 n) {
    LoopBuilder b = run_begin(r, name);
    int x = loop_param(&b, DT_f32, 64, false), y = loop_param(&b, DT_f32, 64, true);
    LoopFor *i = loop_for(&b, FOR_SERIAL, n, 1, 0, NULL);
    loop_store(&b, y, affine_loop(affine(0), i, 1), loop_load(&b, x, affine_loop(affine(0), i, 1)));
    loop_for_end(&b, NULL);
    return run_kernel(r, &b);
}
static void test_program(const char *cpu) {
    Run *r = run_new(cpu);
    LoopFunction *a = copy_kernel(r, "copy", 64), *same = copy_kernel(r, "other", 64), *less = copy_kernel(r, "copy", 63);
    check(a == same && a != less && strcmp(a->name, less->name) && r->program->kernels.n == 2, "program", "sharing of kernels");
    float data[20];
    for (int i = 0; i < 20; i++) data[i] = (float)i * 0.5f;
    int c = loop_program_constant(r->program, sizeof data, data);
    check(loop_program_constant(r->program, sizeof data, data) == c, "program", "equal constants are two");
    LoopBuilder b = run_begin(r, "constants");
    int k = loop_constant(&b, c, DT_f32, 20), y = loop_block(&b, SPACE_OUT, 0, DT_f32, 20, true);
    LoopFor *i = loop_for(&b, FOR_SERIAL, 20, 16, 0, NULL);
    LoopAffine at = affine_loop(affine(0), i, 1);
    loop_store_part(&b, y, at, loop_load_lanes(&b, k, at, 1), affine_loop(affine(20), i, -1));
    loop_for_end(&b, NULL);
    run_entry(r, &b);
    run_compile(r);
    run_call(r, "constants");
    same_f32(floats(r->out, 0), data, 20, "constants");
    Text text = {.arena = r->c.arena};
    loop_print(&text, a);
    const char *want = "function copy() {\n  b0: f32[64] param 0\n  b1: f32[64] param 1 written checked\n"
                       "  for i0 in 0..64 {\n    %0 = load b0[i0] : f32\n    store b1[i0] = %0\n  }\n}\n";
    check(!strcmp(text_done(&text), want), "program", "it prints\n%s", text.s);
    run_free(r);
}

/* ---- what the verifier refuses: each builder breaks one rule, in a process of its own that must end with 70 ---- */

static LoopFor *loop10(LoopBuilder *b) { return loop_for(b, FOR_SERIAL, 10, 1, 0, NULL); }
static void past_the_end(LoopBuilder *b) {
    int y = loop_block(b, SPACE_OUT, 0, DT_f32, 9, true);
    LoopFor *i = loop10(b);
    loop_store(b, y, affine_loop(affine(0), i, 1), loop_real(b, ELEM_F32, 0));
    loop_for_end(b, NULL);
}
static void before_the_start(LoopBuilder *b) {
    int x = loop_block(b, SPACE_BATCH, 0, DT_f32, 100, false);
    LoopFor *i = loop10(b);
    loop_load_lanes(b, x, affine_loop(affine(-1), i, 16), 1);
    loop_for_end(b, NULL);
}
static void vector_past_slack(LoopBuilder *b) {
    int x = loop_block(b, SPACE_BATCH, 0, DT_f64, 16, false);
    loop_load_lanes(b, x, affine(33), 1);
}
static void store_past_the_end(LoopBuilder *b) {
    int y = loop_block(b, SPACE_OUT, 0, DT_f32, 15, true);
    loop_store(b, y, affine(0), loop_splat(b, loop_real(b, ELEM_F32, 0)));
}
static void part_too_large(LoopBuilder *b) {
    int y = loop_block(b, SPACE_OUT, 0, DT_f32, 20, true);
    LoopFor *i = loop_for(b, FOR_SERIAL, 20, 16, 0, NULL);
    loop_store_part(b, y, affine_loop(affine(0), i, 1), loop_splat(b, loop_real(b, ELEM_F32, 0)), affine_loop(affine(21), i, -1));
    loop_for_end(b, NULL);
}
static void bound_too_large(LoopBuilder *b) {
    int x = loop_block(b, SPACE_BATCH, 0, DT_f32, 11, false);
    LoopFor *i = loop10(b);
    LoopAffine to = affine_loop(affine(12), i, -1);
    LoopFor *k = loop_for_within(b, FOR_SERIAL, 5, NULL, &to, 0, NULL);
    loop_load(b, x, affine_loop(affine_loop(affine(0), i, 1), k, 1));
    loop_for_end(b, NULL);
    loop_for_end(b, NULL);
}
static void index_not_clamped(LoopBuilder *b) {
    int x = loop_block(b, SPACE_BATCH, 0, DT_f32, 11, false);
    loop_load(b, x, affine_value(affine(0), loop_int(b, ELEM_I32, 3), 1));
}
static void used_outside(LoopBuilder *b) {
    int x = loop_block(b, SPACE_BATCH, 0, DT_f32, 16, false), y = loop_block(b, SPACE_OUT, 0, DT_f32, 16, true);
    LoopFor *i = loop10(b);
    LoopValue *v = loop_load(b, x, affine_loop(affine(0), i, 1));
    loop_for_end(b, NULL);
    loop_store(b, y, affine(0), v);
}
static void index_of_another_loop(LoopBuilder *b) {
    int x = loop_block(b, SPACE_BATCH, 0, DT_f32, 16, false);
    LoopFor *i = loop10(b);
    loop_for_end(b, NULL);
    loop_load(b, x, affine_loop(affine(0), i, 1));
}
static void store_to_batch(LoopBuilder *b) {
    int x = loop_block(b, SPACE_BATCH, 0, DT_f32, 16, false);
    loop_store(b, x, affine(0), loop_real(b, ELEM_F32, 0));
}
static void nested_tasks(LoopBuilder *b) {
    loop_for(b, FOR_PARALLEL, 2, 1, 0, NULL);
    loop_for(b, FOR_PARALLEL, 2, 1, 0, NULL);
    loop_for_end(b, NULL);
    loop_for_end(b, NULL);
}
static void mixed_types(LoopBuilder *b) { loop_op(b, LOP_add, loop_real(b, ELEM_F32, 0), loop_int(b, ELEM_I32, 0)); }
static void local_in_and_out(LoopBuilder *b) {
    int local = loop_local(b, DT_f32, 16);
    loop_load(b, local, affine(0));
    loop_for(b, FOR_PARALLEL, 2, 1, 0, NULL);
    loop_load(b, local, affine(0));
    loop_for_end(b, NULL);
}

static void one_buffer_twice(LoopBuilder *b) {
    LoopBuilder k = loop_function_begin(b->arena, "copy");
    int from = loop_param(&k, DT_f32, 16, false), to = loop_param(&k, DT_f32, 16, true);
    loop_store(&k, to, affine(0), loop_load_lanes(&k, from, affine(0), 1));
    LoopFunction *copy = loop_function_end(&k);
    LoopArgument arguments[] = {{loop_block(b, SPACE_WORK, 64, DT_f32, 16, false), affine(0)},
                                {loop_block(b, SPACE_WORK, 0, DT_f32, 32, true), affine(16)}};
    loop_call(b, copy, arguments, NULL, -1);
}

static void test_verifier(void) {
    static const struct {
        const char *name;
        void (*build)(LoopBuilder *);
    } BROKEN[] = {{"past the end", past_the_end},         {"before the start", before_the_start},
                  {"vector past slack", vector_past_slack}, {"store past the end", store_past_the_end},
                  {"part too large", part_too_large},     {"bound too large", bound_too_large},
                  {"index not clamped", index_not_clamped}, {"used outside", used_outside},
                  {"index of another loop", index_of_another_loop}, {"store to batch", store_to_batch},
                  {"nested tasks", nested_tasks},         {"mixed types", mixed_types},
                  {"local in and out", local_in_and_out}, {"one buffer twice", one_buffer_twice}};
    for (int i = 0; i < COUNT_OF(BROKEN); i++) {
        fflush(stdout);
        pid_t pid = fork();
        if (!pid) {
            if (!freopen("/dev/null", "w", stderr)) _exit(1);
            LoopBuilder b = loop_function_begin(arena_new("test"), BROKEN[i].name);
            BROKEN[i].build(&b);
            loop_verify(loop_function_end(&b));
            _exit(0);
        }
        int status;
        waitpid(pid, &status, 0);
        check(WIFEXITED(status) && WEXITSTATUS(status) == 70, "verifier", "it accepts what is wrong: %s", BROKEN[i].name);
    }
}

static void test_exchange(const char *cpu) {
    Run *r = run_new(cpu);
    LoopBuilder b = run_begin(r, "exchange");
    int partial = loop_block(&b, SPACE_WORK, 64, DT_f32, 40, true);
    loop_store(&b, partial, affine(8), loop_real(&b, ELEM_F32, 2));
    loop_exchange(&b, partial, affine(8), 32);
    loop_store(&b, loop_block(&b, SPACE_OUT, 0, DT_f32, 1, true), affine(0), loop_load(&b, partial, affine(8)));
    run_entry(r, &b);
    run_compile(r);
    run_call(r, "exchange");
    check(exchanged_bytes == 128 && floats(r->out, 0)[0] == 3, "exchange", "%lld bytes", (long long)exchanged_bytes);
    run_free(r);
}

static void test_pooled(const char *cpu) { test_tasks(cpu, true); }
static void test_alone(const char *cpu) { test_tasks(cpu, false); }
int main(void) {
    static const struct {
        const char *name;
        void (*run)(const char *cpu);
    } TESTS[] = {{"sums", test_sums},     {"tile", test_tile},         {"addresses", test_addresses}, {"dtypes", test_dtypes}, {"bounds", test_bounds},
                 {"tasks of a pool", test_pooled}, {"tasks alone", test_alone}, {"hooks", test_hooks},
                 {"transpose", test_transpose}, {"program", test_program}, {"exchange", test_exchange}};
    const char *cpus[2];
    int n = test_cpus(cpus), before = failures;
    for (int i = 0; i < COUNT_OF(TESTS); i++)
        for (int k = 0; k < n; k++, before = failures) {
            TESTS[i].run(cpus[k]);
            if (failures == before) printf("ok %s on %s\n", TESTS[i].name, cpus[k]);
        }
    test_verifier();
    if (failures == before) printf("ok verifier\n");
    return failures != 0;
}
