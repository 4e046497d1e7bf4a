/* tile_test.c: products from loop/tile.h as machine code, bit for bit against the sum said in C; and how fast they are.
**
** A case is a TileSpec with strides of the result. Operands are random, in buffers that end with their last element, in memory
** whose rest is NaN: what is read past an operand must not reach a result. Results are compared as whole blocks: gaps stay NaN.
** With an argument `speed` it measures instead of testing: GFLOP/s beside the peak, one thread. */
#include "../../compiler/loop/tile.h"
#include "loop_run.h"
#include <time.h>

enum { SLACK_AFTER = 4096 };
typedef struct Case {
    const char *name;
    TileSpec spec;
    i64 out[TILE_AXES]; /* strides of the result */
    Dtype dtype;
    bool bias_relu;     /* bias along the last right axis, then max(x, 0) */
    bool is_long;       /* the finish is said to be long */
} Case;
typedef struct Extent {
    i64 base, elements; /* of element (0, 0, ..), so that all addresses are 0..elements-1 */
} Extent;

static int axes_of(const TileSpec *s) { return s->n_batch + s->n_left + s->n_right; }
/* which: 0 left, 1 right, 2 result */
static i64 stride_of(const Case *c, int axis, int which) {
    const TileAxis *a = &c->spec.axes[axis];
    return which == 0 ? a->left : which == 1 ? a->right : c->out[axis];
}
static Extent extent_of(const Case *c, int which) {
    i64 low = 0, high = 0;
    for (int i = 0; i < axes_of(&c->spec) + c->spec.n_sum; i++) {
        bool sum = i >= axes_of(&c->spec);
        const TileAxis *a = sum ? &c->spec.sum[i - axes_of(&c->spec)] : &c->spec.axes[i];
        if (sum && which == 2) break;
        i64 reach = (a->extent - 1) * (sum ? which ? a->right : a->left : stride_of(c, i, which));
        if (reach < 0) low += reach;
        else high += reach;
    }
    return (Extent){-low, high - low + 1};
}

/* ---- the generator's side ---- */

typedef struct Finish {
    const Case *c;
    int out, bias;
    i64 base;
} Finish;
static void finish(void *context, LoopBuilder *b, int n, const TileCell *cells) {
    const Finish *f = context;
    LoopElem elem = elem_of_dtype(f->c->dtype);
    LoopValue **v = ARENA_ARRAY(b->arena, LoopValue *, n), *zero = loop_splat(b, loop_real(b, elem, 0));
    int columns = axes_of(&f->c->spec) - 1;
    for (int i = 0; i < n; i++) v[i] = cells[i].value;
    for (int i = 0; i < n && f->c->bias_relu; i++) {
        LoopValue *bias = loop_load_lanes(b, f->bias, cells[i].at[columns], cells[i].lanes == columns);
        v[i] = loop_op(b, LOP_add, v[i], bias);
    }
    for (int i = 0; i < n && f->c->bias_relu; i++) v[i] = loop_op(b, LOP_max, v[i], zero);
    for (int i = 0; i < n; i++) {
        LoopAffine at = affine(f->base), part = affine(cells[i].active);
        for (int k = 0; k < axes_of(&f->c->spec); k++)
            at = affine_plus(at, affine_times(cells[i].at[k], f->c->out[k]));
        i64 stride = f->c->out[cells[i].lanes];
        LoopAccess access = {.buffer = f->out, .at = at, .lanes = true, .stride = stride};
        if (cells[i].active < LANES) access.part = &part;
        loop_store_access(b, access, v[i]);
    }
}
/* The product as an entry "product". */
static void case_build(Run *r, Case *c, const char *cpu) {
    LlvmMachine machine;
    const char *why = NULL;
    nnc_check(llvm_machine(&r->c, cpu, &machine, &why), "%s", why);
    LoopBuilder b = run_begin(r, "product");
    Extent left = extent_of(c, 0), right = extent_of(c, 1), out = extent_of(c, 2);
    i64 columns = axes_of(&c->spec) ? c->spec.axes[axes_of(&c->spec) - 1].extent : 1;
    Finish f = {c, 0, 0, out.base};
    c->spec.left = (TileOperand){loop_block(&b, SPACE_BATCH, 0, c->dtype, left.elements, false), affine(left.base)};
    c->spec.right = (TileOperand){loop_block(&b, SPACE_LASTING, 0, c->dtype, right.elements, false), affine(right.base)};
    f.out = loop_block(&b, SPACE_OUT, 0, c->dtype, out.elements, true);
    f.bias = loop_block(&b, SPACE_HYPERS, 0, c->dtype, columns, false);
    c->spec.vector_bits = machine.vector_bits, c->spec.registers = machine.registers;
    c->spec.finish = finish, c->spec.context = &f, c->spec.finish_operations = c->is_long ? 100 : 2;
    check(tile_possible(&b, &c->spec), c->name, "no tile fits");
    tile_product(&b, &c->spec);
    run_entry(r, &b);
}

/* ---- C's side ---- */

typedef struct Memory {
    u8 *left, *right, *bias, *out, *want;
    i64 out_bytes;
} Memory;
static u8 *memory_new(i64 bytes) {
    u8 *m = aligned_alloc(64, (size_t)(bytes + 63) / 64 * 64 + SLACK_AFTER);
    memset(m, 0xff, (size_t)(bytes + 63) / 64 * 64 + SLACK_AFTER);
    return m;
}
static u8 *memory_random(i64 n, Dtype dtype) {
    u8 *m = memory_new(n * dtype_bytes(dtype));
    for (i64 i = 0; i < n; i++) {
        if (dtype == DT_f32) ((float *)(void *)m)[i] = random_f32();
        else ((double *)(void *)m)[i] = (double)random_f32() + 0x1p-30 * (double)random_f32();
    }
    return m;
}
static Memory memory_of(const Case *c) {
    Memory m = {.left = memory_random(extent_of(c, 0).elements, c->dtype)};
    m.right = memory_random(extent_of(c, 1).elements, c->dtype);
    m.bias = memory_random(c->spec.axes[axes_of(&c->spec) - 1].extent, c->dtype);
    m.out_bytes = (extent_of(c, 2).elements * dtype_bytes(c->dtype) + 63) / 64 * 64 + SLACK_AFTER;
    m.out = memory_new(m.out_bytes), m.want = memory_new(m.out_bytes);
    return m;
}
static void memory_free(Memory *m) { free(m->left), free(m->right), free(m->bias), free(m->out), free(m->want); }

static i64 *offsets_of(int n, const TileAxis *axes, bool right, i64 *count) {
    *count = 1;
    for (int i = 0; i < n; i++) *count *= axes[i].extent;
    i64 *offsets = calloc((size_t)*count, sizeof *offsets);
    for (i64 k = 0; k < *count; k++) {
        i64 rest = k;
        for (int i = n - 1; i >= 0; i--) {
            offsets[k] += rest % axes[i].extent * (right ? axes[i].right : axes[i].left);
            rest /= axes[i].extent;
        }
    }
    return offsets;
}
#define WANT(name, T, FMA)                                                                                             \
    static void want_##name(const Case *c, const Memory *m) {                                                          \
        const T *l = (const T *)(const void *)m->left + extent_of(c, 0).base;                                              \
        const T *r = (const T *)(const void *)m->right + extent_of(c, 1).base, *bias = (const T *)(const void *)m->bias;   \
        T *out = (T *)(void *)m->want + extent_of(c, 2).base;                                                              \
        i64 n = 1, n_sum, at[3], columns = c->spec.axes[axes_of(&c->spec) - 1].extent;                                 \
        i64 *lo = offsets_of(c->spec.n_sum, c->spec.sum, false, &n_sum);                                               \
        i64 *ro = offsets_of(c->spec.n_sum, c->spec.sum, true, &n_sum);                                                \
        for (int i = 0; i < axes_of(&c->spec); i++) n *= c->spec.axes[i].extent;                                       \
        for (i64 e = 0; e < n; e++) {                                                                                  \
            i64 rest = e;                                                                                              \
            memset(at, 0, sizeof at);                                                                                  \
            for (int i = axes_of(&c->spec) - 1; i >= 0; i--) {                                                         \
                for (int w = 0; w < 3; w++) at[w] += rest % c->spec.axes[i].extent * stride_of(c, i, w);               \
                rest /= c->spec.axes[i].extent;                                                                        \
            }                                                                                                          \
            T acc = 0;                                                                                                 \
            for (i64 k = 0; k < n_sum; k++) acc = FMA(l[at[0] + lo[k]], r[at[1] + ro[k]], acc);                        \
            if (c->bias_relu) acc += bias[e % columns], acc = acc > 0 ? acc : 0;                                       \
            out[at[2]] = acc;                                                                                          \
        }                                                                                                              \
        free(lo), free(ro);                                                                                            \
    }
__attribute__((target("fma"))) WANT(f32, float, __builtin_fmaf)
__attribute__((target("fma"))) WANT(f64, double, __builtin_fma)

static void case_check(Case *c, const char *cpu) {
    Run *r = run_new(cpu);
    Memory m = memory_of(c);
    case_build(r, c, cpu);
    run_compile(r);
    if (c->dtype == DT_f32) want_f32(c, &m);
    else want_f64(c, &m);
    r->call.batch = m.left, r->call.lasting = m.right, r->call.hypers = m.bias, r->call.out = m.out;
    r->call.pool = &r->pool;
    run_call(r, "product");
    if (c->dtype == DT_f32) same_f32((float *)(void *)m.out, (float *)(void *)m.want, m.out_bytes / 4, c->name);
    else same_f64((double *)(void *)m.out, (double *)(void *)m.want, m.out_bytes / 8, c->name);
    memory_free(&m);
    run_free(r);
}

/* ---- cases ---- */

typedef enum Form { FORWARD, DATA, WEIGHT, FORMS } Form; /* X W, dY W^T, X^T dY */
static const char *const FORM_NAMES[] = {"X W", "dY W^T", "X^T dY"};
/* m x n results of k products each. */
static Case product_case(Form form, i64 m, i64 k, i64 n, Dtype dtype) {
    Case c = {.name = FORM_NAMES[form], .dtype = dtype};
    c.spec = (TileSpec){.n_left = 1, .n_right = 1, .n_sum = 1, .unit = n > 1, .parallel = true};
    c.spec.axes[0] = (TileAxis){m, form == WEIGHT ? 1 : k, 0};
    c.spec.axes[1] = (TileAxis){n, 0, form == DATA ? k : 1};
    c.spec.sum[0] = (TileAxis){k, form == WEIGHT ? m : 1, form == DATA ? 1 : n};
    c.out[0] = n, c.out[1] = 1;
    return c;
}
static void named(Case *c, const char *what, i64 m, i64 k, i64 n) {
    static char name[100];
    snprintf(name, sizeof name, "%s%s%s %lld,%lld,%lld", c->name, *what ? " " : "", what, (long long)m, (long long)k, (long long)n);
    c->name = name;
}
/* Every pair of sizes of the result once, forms, kinds and lengths of the sum taking turns. */
static void test_sizes(const char *cpu) {
    static const i64 SIZES[] = {1, 2, 3, 7, 8, 13, 16, 17, 31, 33, 64, 100, 300};
    for (int i = 0; i < COUNT_OF(SIZES); i++)
        for (int j = 0; j < COUNT_OF(SIZES); j++) {
            i64 k = SIZES[(i * 5 + j * 3 + 1) % COUNT_OF(SIZES)];
            Case c = product_case((Form)((i + 2 * j) % FORMS), SIZES[i], k, SIZES[j], (i + j / 3) % 3 ? DT_f32 : DT_f64);
            c.bias_relu = (i * j) % 4 == 1;
            c.is_long = (i + j) % 4 == 0;
            named(&c, dtype_name(c.dtype), SIZES[i], k, SIZES[j]);
            case_check(&c, cpu);
        }
}

/* Axes in the order batch, left, right, summed: extent and strides in left, right, result. */
typedef struct Shape {
    const char *name;
    int n_batch, n_left, n_right, n_sum, unit;
    i64 axes[8][4];
} Shape;
static const Shape SHAPES[] = {
    {"one product", 0, 0, 1, 0, 0, {{1, 0, 1, 1}}},
    {"vector times matrix", 0, 0, 1, 1, 0, {{70, 0, 1, 1}, {33, 1, 70}}},
    {"matrix times vector", 0, 1, 0, 1, 0, {{70, 33, 0, 1}, {33, 1, 1}}},
    {"outer product", 0, 1, 1, 0, 1, {{19, 1, 0, 37}, {37, 0, 1, 1}}},
    {"result transposed", 0, 1, 1, 1, 0, {{50, 1, 0, 1}, {21, 0, 30, 50}, {30, 50, 1}}},
    {"result with gaps", 0, 1, 1, 1, -1, {{35, 20, 0, 300}, {40, 0, 1, 7}, {20, 1, 40}}},
    {"rows backwards", 0, 1, 1, 1, 1, {{35, -20, 0, -40}, {40, 0, 1, 1}, {20, 1, -40}}},
    {"columns backwards", 0, 1, 1, 1, 1, {{35, 20, 0, 40}, {40, 0, -1, 1}, {20, -1, 40}}},
    {"columns backwards, turned", 0, 1, 1, 1, 1, {{35, 20, 0, 43}, {43, 0, -21, 1}, {20, 1, 1}}},
    {"columns by threes", 0, 1, 1, 1, 1, {{35, 20, 0, 43}, {43, 0, 3, 1}, {20, 1, 130}}},
    {"one column for all", 0, 1, 1, 1, 1, {{35, 20, 0, 43}, {43, 0, 0, 1}, {20, 1, 5}}},
    {"one row for all", 0, 1, 1, 1, 1, {{35, 0, 0, 43}, {43, 0, 1, 1}, {20, 1, 43}}},
    {"batch, small", 1, 1, 1, 1, 2, {{40, 250, 125, 50}, {10, 25, 0, 5}, {5, 0, 1, 1}, {25, 1, 5}}},
    {"batch, in tasks", 1, 1, 1, 1, 2, {{90, 640, 640, 400}, {20, 32, 0, 20}, {20, 0, 1, 1}, {32, 1, 20}}},
    {"lanes along a batch axis", 1, 1, 1, 1, 2, {{16, 1, 1, 91}, {13, 640, 0, 7}, {7, 0, 640, 1}, {40, 16, 16}}},
    {"lanes along a batch axis, in blocks and tasks", 1, 2, 1, 2, 3,
     {{16, 1, 1, 400}, {3, 48000, 0, 100}, {5, 16, 0, 20}, {20, 0, 48000, 1}, {30, 1600, 1600}, {90, 16, 16}}},
    {"batch of two axes, in tasks", 2, 1, 1, 1, 3,
     {{6, 1, 16000, 1600}, {5, 3072, 3200, 9600}, {32, 96, 0, 50}, {50, 0, 1, 1}, {64, 6, 50}}},
    {"heads: right axes apart", 1, 1, 2, 1, 3,
     {{3, 640, 0, 6000}, {20, 32, 0, 300}, {5, 0, 1280, 60}, {40, 0, 32, 1}, {32, 1, 1}}},
    {"summed backwards", 0, 1, 1, 2, 1, {{30, 35, 0, 40}, {40, 0, 1, 1}, {5, 7, -280}, {7, 1, -40}}},
    {"summed in another order", 0, 1, 1, 2, 1, {{30, 35, 0, 40}, {40, 0, 35, 1}, {7, 1, 5}, {5, 7, 1}}},
    {"window", 0, 3, 1, 3, 3,
     {{4, 300, 0, 8 * 8 * 20}, {8, 30, 0, 160}, {8, 3, 0, 20}, {20, 0, 1, 1}, {3, 30, 180}, {3, 3, 60}, {3, 1, 20}}},
    {"window, its weights' gradient", 0, 3, 1, 3, 3,
     {{3, 180, 0, 360}, {3, 18, 0, 120}, {6, 1, 0, 20}, {20, 0, 1, 1}, {5, 1800, 1280}, {8, 180, 160}, {8, 18, 20}}},
    {"window of one channel, its weights' gradient", 0, 2, 1, 3, 2,
     {{5, 16, 0, 30}, {5, 1, 0, 6}, {6, 0, 1, 1}, {20, 256, 864}, {12, 16, 72}, {12, 1, 6}}},
    {"window, few rows each", 0, 3, 1, 2, 3,
     {{3, 100, 0, 500}, {5, 10, 0, 100}, {5, 1, 0, 20}, {20, 0, 1, 1}, {3, 10, 60}, {3, 1, 20}}},
    {"window, its gradient", 0, 3, 1, 3, 3,
     {{3, 1200, 0, 384}, {8, 120, 0, 48}, {8, 12, 0, 6}, {6, 0, 12, 1}, {3, 120, -216}, {3, 12, -72}, {12, 1, 1}}},
    {"window, in tasks by rows", 0, 3, 1, 3, 3,
     {{16, 432, 0, 1600}, {10, 36, 0, 160}, {10, 3, 0, 16}, {16, 0, 1, 1}, {3, 36, 144}, {3, 3, 48}, {3, 1, 16}}},
    {"tasks by rows", 0, 1, 1, 1, 1, {{2003, 50, 0, 40}, {40, 0, 1, 1}, {50, 1, 40}}},
    {"tasks by rows, turned", 0, 1, 1, 1, 1, {{2003, 50, 0, 40}, {40, 0, 50, 1}, {50, 1, 1}}},
    {"long sum", 0, 1, 1, 1, 1, {{37, 2500, 0, 40}, {40, 0, 1, 1}, {2500, 1, 40}}},
    {"long sum, turned", 0, 1, 1, 1, 1, {{37, 2501, 0, 75}, {75, 0, 2501, 1}, {2501, 1, 1}}},
    {"long sum, gathered", 0, 1, 1, 1, 1, {{20, 2501, 0, 20}, {20, 0, 2, 1}, {2501, 1, 41}}},
    {"long sum of two axes", 0, 1, 1, 2, 1, {{37, 1, 0, 40}, {40, 0, 1, 1}, {7, 37000, 17200}, {430, 37, 40}}},
    {"long sum of two axes, turned", 0, 1, 1, 2, 1, {{37, 1, 0, 40}, {40, 0, 430, 1}, {7, 37000, 17200}, {430, 37, 1}}},
    {"long sum, tasks by rows", 0, 1, 1, 1, 1, {{700, 1, 0, 20}, {20, 0, 1, 1}, {1500, 700, 20}}},
    {"long sum, panels in groups", 0, 1, 1, 1, 1, {{70, 1, 0, 333}, {333, 0, 1, 1}, {1111, 75, 340}}},
    {"long sum, panels in groups, few rows", 0, 1, 1, 1, 1, {{7, 1, 0, 610}, {610, 0, 1, 1}, {1030, 9, 610}}},
    {"long sum of two axes, panels in groups", 0, 1, 1, 2, 1, {{100, 1, 0, 300}, {300, 0, 1, 1}, {37, 100, 12300}, {41, 3700, 300}}},
    {"long sum, panels in groups, turned", 0, 1, 1, 1, 1, {{50, 1, 0, 280}, {280, 0, 1200, 1}, {1200, 50, 1}}},
    {"long sum, panels in groups, in tasks", 1, 1, 1, 1, 2, {{2, 140000, 560000, 56000}, {100, 1, 0, 400}, {400, 0, 1, 1}, {1400, 100, 400}}},
    {"long sum, many rows", 0, 2, 1, 1, 2, {{3, 1, 0, 36000}, {1200, 3, 0, 30}, {30, 0, 1, 1}, {1100, 3600, 30}}},
};
/* Finished by strips of rows, where that is possible. */
static const Shape STRIPS[] = {
    {"strips", 0, 1, 1, 1, 1, {{48, 1, 0, 64}, {64, 0, 1, 1}, {32, 48, 64}}},
    {"strips, rows of two sizes, a short last vector", 0, 1, 1, 1, 1, {{131, 1, 0, 77}, {77, 0, 1, 1}, {30, 131, 77}}},
    {"strips, few rows and steps", 0, 1, 1, 1, 1, {{5, 1, 0, 200}, {200, 0, 1, 1}, {7, 5, 200}}},
    {"strips, in tasks", 0, 1, 1, 1, 1, {{700, 1, 0, 150}, {150, 0, 1, 1}, {40, 700, 150}}},
    {"strips, vectors from afar", 0, 1, 1, 1, 1, {{301, 1, 0, 1200}, {1200, 0, 1, 1}, {250, 301, 1200}}},
    {"strips wanted, but the sum is long", 0, 1, 1, 1, 1, {{90, 1, 0, 40}, {40, 0, 1, 1}, {1500, 90, 40}}},
};
static Case shape_case(const Shape *shape, Dtype dtype) {
    Case c = {.name = shape->name, .dtype = dtype};
    c.spec = (TileSpec){.n_batch = shape->n_batch, .n_left = shape->n_left, .n_right = shape->n_right,
                        .n_sum = shape->n_sum, .unit = shape->unit, .parallel = true};
    int free = axes_of(&c.spec);
    for (int k = 0; k < free + shape->n_sum; k++) {
        TileAxis *axis = k < free ? &c.spec.axes[k] : &c.spec.sum[k - free];
        *axis = (TileAxis){shape->axes[k][0], shape->axes[k][1], shape->axes[k][2]};
        if (k < free) c.out[k] = shape->axes[k][3];
    }
    return c;
}
static void shapes_check(const char *cpu, int n, const Shape *shapes, bool strips) {
    for (int i = 0; i < n * 4; i++) {
        Case c = shape_case(&shapes[i / 4], i % 2 ? DT_f64 : DT_f32);
        c.spec.strips = strips;
        c.bias_relu = i / 4 % 2 && c.spec.n_right;
        c.is_long = i % 4 >= 2;
        case_check(&c, cpu);
    }
}

static void test_shapes(const char *cpu) { shapes_check(cpu, COUNT_OF(SHAPES), SHAPES, false); }
static void test_strips(const char *cpu) { shapes_check(cpu, COUNT_OF(STRIPS), STRIPS, true); }

/* ---- speed ---- */

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
/* Best of several rounds of about 5 ms. */
static double best_rate(Run *r, double flop) {
    nn_code *code = llvm_jit_entry(r->jit, "product");
    double best = 0;
    code(&r->call);
    for (int round = 0; round < 15; round++) {
        i64 times = (i64)(5e-3 * 100e9 / flop) + 1;
        double begin = seconds();
        for (i64 i = 0; i < times; i++) code(&r->call);
        double rate = flop * (double)times / (seconds() - begin) * 1e-9;
        if (rate > best) best = rate;
    }
    return best;
}
/* 24 independent accumulators from two vectors in L1: what the machine can do. */
static double peak_rate(const char *cpu) {
    Case c = product_case(FORWARD, strcmp(cpu, "x86-64-v4") ? 6 : 12, 1000, strcmp(cpu, "x86-64-v4") ? 16 : 32, DT_f32);
    c.spec.sum[0].left = c.spec.sum[0].right = 0, c.spec.parallel = false;
    Run *r = run_new(cpu);
    Memory m = memory_of(&c);
    case_build(r, &c, cpu);
    run_compile(r);
    r->call.batch = m.left, r->call.lasting = m.right, r->call.hypers = m.bias, r->call.out = m.out;
    double rate = best_rate(r, 2.0 * (double)(c.spec.axes[0].extent * c.spec.axes[1].extent) * 1000);
    memory_free(&m);
    run_free(r);
    return rate;
}
static void measure(const char *cpu, double peak, Case c) {
    Run *r = run_new(cpu);
    Memory memory = memory_of(&c);
    double begin = seconds(), flop = 2;
    case_build(r, &c, cpu);
    run_compile(r);
    double compiled = seconds() - begin;
    for (int i = 0; i < axes_of(&c.spec); i++) flop *= (double)c.spec.axes[i].extent;
    for (int i = 0; i < c.spec.n_sum; i++) flop *= (double)c.spec.sum[i].extent;
    r->call.batch = memory.left, r->call.lasting = memory.right, r->call.hypers = memory.bias, r->call.out = memory.out;
    double rate = best_rate(r, flop);
    printf("%-9s %s %-36s %6.1f GFLOP/s %5.1f %% of %5.1f   compiled in %5.1f ms\n", cpu, dtype_name(c.dtype), c.name, rate,
           100 * rate / peak, peak, compiled * 1e3);
    fflush(stdout);
    memory_free(&memory);
    run_free(r);
}
static void measure_product(const char *cpu, double peak, Form form, i64 m, i64 k, i64 n, Dtype dtype) {
    Case c = product_case(form, m, k, n, dtype);
    named(&c, "", m, k, n);
    measure(cpu, peak, c);
}
static const Shape MEASURED[] = {
    {"window 16x16x64 to 64, 32 images", 0, 3, 1, 3, 3,
     {{32, 18 * 18 * 64, 0, 16 * 16 * 64}, {16, 18 * 64, 0, 16 * 64}, {16, 64, 0, 64}, {64, 0, 1, 1},
      {3, 18 * 64, 192 * 64}, {3, 64, 64 * 64}, {64, 1, 64}}},
    {"its weights' gradient", 0, 3, 1, 3, 3,
     {{3, 18 * 64, 0, 192 * 64}, {3, 64, 0, 64 * 64}, {64, 1, 0, 64}, {64, 0, 1, 1},
      {32, 18 * 18 * 64, 16 * 16 * 64}, {16, 18 * 64, 16 * 64}, {16, 64, 64}}},
    {"its gradient", 0, 3, 1, 3, 3,
     {{32, 18 * 18 * 64, 0, 16 * 16 * 64}, {16, 18 * 64, 0, 16 * 64}, {16, 64, 0, 64}, {64, 0, 64, 1},
      {3, 18 * 64, -192 * 64}, {3, 64, -64 * 64}, {64, 1, 1}}},
    {"window 28x28x1 to 6, 64 images", 0, 3, 1, 2, 3,
     {{64, 32 * 32, 0, 28 * 28 * 6}, {28, 32, 0, 28 * 6}, {28, 1, 0, 6}, {6, 0, 1, 1}, {5, 32, 30}, {5, 1, 6}}},
    {"its weights' gradient", 0, 2, 1, 3, 2,
     {{5, 32, 0, 30}, {5, 1, 0, 6}, {6, 0, 1, 1}, {64, 32 * 32, 28 * 28 * 6}, {28, 32, 28 * 6}, {28, 1, 6}}},
    {"32 tasks of 25,64,64", 1, 1, 1, 1, 2, {{32, 1600, 4096, 1600}, {25, 64, 0, 64}, {64, 0, 1, 1}, {64, 1, 64}}},
    {"32 tasks of 25,64,5", 1, 1, 1, 1, 2, {{32, 1600, 320, 125}, {25, 64, 0, 5}, {5, 0, 1, 1}, {64, 1, 5}}},
    {"32 tasks of 64,25,5, weights", 1, 1, 1, 1, 2, {{32, 1600, 125, 320}, {64, 1, 0, 5}, {5, 0, 1, 1}, {25, 64, 5}}},
};
/* The three products of layers of rows, inputs, outputs. */
static void speed(const char *cpu, Dtype dtype) {
    static const i64 LAYERS[][3] = {{64, 784, 300}, {64, 300, 100}, {128, 512, 512}, {512, 512, 512}, {128, 512, 10},
                                     {32, 64, 32}, {128, 784, 512}, {32, 256, 1024}, {2048, 128, 512}, {1024, 1024, 1024},
                                     {256, 2048, 2048}, {64, 400, 120}, {64, 50, 20}, {8, 512, 512}, {1, 512, 512}, {100, 30, 40}};
    for (int i = 0; i < COUNT_OF(LAYERS); i++) {
        i64 rows = LAYERS[i][0], in = LAYERS[i][1], out = LAYERS[i][2];
        double peak = peak_rate(cpu) / (dtype == DT_f64 ? 2 : 1);
        measure_product(cpu, peak, FORWARD, rows, in, out, dtype);
        measure_product(cpu, peak, DATA, rows, out, in, dtype);
        measure_product(cpu, peak, WEIGHT, in, rows, out, dtype);
    }
    double peak = peak_rate(cpu) / (dtype == DT_f64 ? 2 : 1);
    for (int i = 0; i < COUNT_OF(MEASURED); i++) measure(cpu, peak, shape_case(&MEASURED[i], dtype));
}

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        void (*run)(const char *cpu);
    } TESTS[] = {{"sizes", test_sizes}, {"shapes", test_shapes}, {"strips", test_strips}};
    const char *cpus[2];
    int n = test_cpus(cpus), before = failures;
    if (argc > 1 && !strcmp(argv[1], "speed")) {
        for (int k = 0; k < n; k++)
            if (argc < 3 || !strcmp(argv[2], cpus[k])) speed(cpus[k], DT_f32), speed(cpus[k], DT_f64);
        return 0;
    }
    for (int i = 0; i < COUNT_OF(TESTS); i++)
        for (int k = 0; k < n; k++, before = failures) {
            TESTS[i].run(cpus[k]);
            if (failures == before) printf("ok products: %s on %s\n", TESTS[i].name, cpus[k]);
        }
    return failures != 0;
}
