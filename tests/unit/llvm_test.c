/* llvm_test.c: the table as a constant, objects, linked programs, refusals. Code itself is tested by loop_test and loop_ops_test.
**
** The table of a made-up page goes through the module and comes back in memory; abi.def is expanded once more, to compare. */
#include "loop_run.h"
#include <unistd.h>

/* ---- comparing tables: words, texts and lists by content; code by being there when it has a name ---- */

static bool same_text(const char *a, const char *b) { return a && b && !strcmp(a, b); }
static bool same_i64s(i64 n, const i64 *a, const i64 *b) { return n == 0 || (a && b && !memcmp(a, b, (size_t)n * 8)); }
static bool same_strs(i64 n, const char *const *a, const char *const *b) {
    for (i64 i = 0; i < n; i++)
        if (!same_text(a[i], b[i])) return false;
    return true;
}
#define STR(f)     if (!same_text(a->f, b->f)) return false;
#define I64(f)     if (a->f != b->f) return false;
#define F64(f)     if (memcmp(&a->f, &b->f, 8)) return false;
#define F32(f)     if (memcmp(&a->f, &b->f, 4)) return false;
#define I64S(f)    if (a->n_##f != b->n_##f || !same_i64s(a->n_##f, a->f, b->f)) return false;
#define STRS(f)    if (a->n_##f != b->n_##f || !same_strs(a->n_##f, a->f, b->f)) return false;
#define ONE(T, f)  if (!same_##T(&a->f, &b->f)) return false;
#define MANY(T, f)                                                                                                     \
    if (a->n_##f != b->n_##f) return false;                                                                            \
    for (i64 i = 0; i < a->n_##f; i++)                                                                                 \
        if (!same_##T(&a->f[i], &b->f[i])) return false;
#define CODE(f)    if ((b->f != NULL) != (*a->name != 0)) return false;
#define STRUCT(T)  static bool same_##T(const T *a, const T *b) {
#define END(T)     return true; }
#include "../../runtime/abi.def"

/* Every text that is NULL becomes "": that is the rule of the table. Here by hand for the structs the test uses. */
static nn_function function(const char *name, i64 index) { return (nn_function){.name = name, .index = index, .operations = 42}; }
static Program *program_new(Run *r) {
    static const i64 DIMS[] = {3, 4}, OFFSETS[] = {0, 64}, LEAVES[] = {0, 1};
    static const char *const CLASSES[] = {"cat", "dog \"quoted\"\n"};
    static nn_hyper hypers[] = {{"lr", NN_REAL, 0.001, 0, INFINITY, "learning rate", 0}, {"deep", NN_BOOLEAN, 1, 0, 1, "", 4}};
    static nn_leaf leaves[] = {{"w", NN_PARAM, "net", NN_F32, 2, DIMS, 0}, {"b", NN_CARRY, "net", NN_F32, 1, DIMS, 64}};
    static nn_report reports[] = {{.name = "accuracy", .n_classes = 2, .classes = CLASSES, .sum = 1, .shown = -1}};
    static nn_minimize minimizes[] = {{.name = "loss", .every = 1, .n_leaves = 2, .leaves = LEAVES, .n_offsets = 2, .offsets = OFFSETS}};
    static nn_function steps[2];
    static nn_train trains[1];
    static nn_kernel kernels[] = {{"map", 7, 100.5, 200.25}};
    steps[0] = function("", 0), steps[1] = function("net.step", 1), steps[1].kernels = 1;
    trains[0] = (nn_train){.name = "net", .feed = {.set = 0, .rows = 32}, .start_file = "", .n_reports = 1, .reports = reports,
                           .n_minimizes = 1, .minimizes = minimizes, .start = function("", 0), .n_step = 2, .step = steps,
                           .eval = function("", 0), .show = function("", 0), .best = -1};
    Program *p = ARENA_NEW(r->c.arena, Program);
    p->table = (nn_program){.abi = NN_ABI, .name = "page", .version = "1", .hash = "00ff", .cpu = "", .source = "é\ttext\n",
                            .n_hypers = 2, .hypers = hypers, .n_leaves = 2, .leaves = leaves, .n_trains = 1, .trains = trains,
                            .n_kernels = 1, .kernels = kernels, .init = function("init", 0), .lasting = 128};
    return p;
}
/* init writes 7 to lasting, net.step doubles it into out. */
static void entries_build(Run *r) {
    LoopBuilder b = run_begin(r, "init");
    loop_store(&b, loop_block(&b, SPACE_LASTING, 0, DT_f32, 1, true), affine(0), loop_real(&b, ELEM_F32, 7));
    run_entry(r, &b);
    LoopBuilder k = run_begin(r, "net.step"); /* also the name of a kernel */
    int x = loop_param(&k, DT_f32, 1, false), y = loop_param(&k, DT_f32, 1, true);
    LoopValue *v = loop_load(&k, x, affine(0));
    loop_store(&k, y, affine(0), loop_op(&k, LOP_add, v, v));
    LoopFunction *kernel = run_kernel(r, &k);
    LoopBuilder s = run_begin(r, "net.step");
    LoopArgument arguments[] = {{loop_block(&s, SPACE_LASTING, 0, DT_f32, 1, false), affine(0)},
                                {loop_block(&s, SPACE_OUT, 0, DT_f32, 1, true), affine(0)}};
    loop_call(&s, kernel, arguments, NULL, 0);
    run_entry(r, &s);
    loop_program_verify(r->program);
}

static void test_table(void) {
    Run *r = run_new(NULL);
    const char *why = "";
    entries_build(r);
    Program *p = program_new(r);
    r->jit = llvm_jit(&r->c, p, r->program, &(LlvmOptions){0}, &why);
    check(r->jit != NULL, "table", "%s", why);
    if (!r->jit) return;
    const nn_program *table = llvm_jit_table(r->jit);
    LlvmMachine machine;
    check(llvm_machine(&r->c, NULL, &machine, &why) && same_text(table->cpu, machine.cpu), "table", "it needs %s", table->cpu);
    p->table.cpu = machine.cpu;
    check(same_nn_program(&p->table, table), "table", "it differs from the one in memory");
    table->init.code(&r->call);
    table->trains[0].step[1].code(&r->call);
    check(*(float *)(void *)r->out == 14, "table", "its functions are others");
    run_free(r);
}

/* ---- objects and programs ---- */

static const char MAIN[] =
    "#include <stdio.h>\n#include \"runtime/abi.h\"\n"
    "void nn_parallel(nn_pool *p, nn_task *t, void *f, int64_t n) { (void)p; while (n--) t(f, n); }\n"
    "void nn_trap(const nn_call *c, int64_t k, int64_t e) { (void)c, (void)k, (void)e; }\n"
    "static _Alignas(64) float lasting[80], out[80];\n"
    "int main(void) {\n"
    "    nn_call call = {.lasting = lasting, .out = out};\n"
    "    nn_program_table.init.code(&call);\n    nn_program_table.trains[0].step[1].code(&call);\n"
    "    printf(\"%s %g %s\\n\", nn_program_table.name, out[0], nn_program_table.trains[0].reports[0].classes[0]);\n"
    "    return 0;\n}\n";
static const char *output_of(Run *r, const char *command) {
    static char text[4096];
    FILE *pipe = popen(command, "r");
    (void)r;
    size_t n = pipe ? fread(text, 1, sizeof text - 1, pipe) : 0;
    text[n] = 0;
    return pipe && pclose(pipe) == 0 ? text : "it failed";
}
static const char *join(Run *r, const char *folder, const char *name) { return arena_printf(r->c.arena, "%s/%s", folder, name); }

static void test_link(void) {
    Run *r = run_new(NULL);
    char folder[] = "/tmp/nnc-llvm-test-XXXXXX";
    if (!mkdtemp(folder)) exit(1);
    const char *why = "", *object = join(r, folder, "page.o"), *program = join(r, folder, "page"), *source = join(r, folder, "main.c");
    entries_build(r);
    Program *p = program_new(r);
    check(llvm_emit(&r->c, p, r->program, &(LlvmOptions){0}, LLVM_OBJECT, object, &why), "object", "%s", why);
    const char *symbols = output_of(r, arena_printf(r->c.arena, "nm -g --defined-only %s | cut -d' ' -f3", object));
    check(!strcmp(symbols, "nn_program_table\n"), "object", "it exports %s", symbols);
    FILE *file = fopen(source, "w");
    if (!file || fputs(MAIN, file) < 0 || fclose(file)) exit(1);
    const char *library = join(r, folder, "main.o");
    const char *compile = arena_printf(r->c.arena, "cc -I. -c %s -o %s", source, library);
    check(!*output_of(r, compile), "link", "the test's own main");
    LinkOptions options = {.library = library, .strip = true, .table = &p->table};
    check(llvm_link(&r->c, 1, &object, &options, program, &why), "link", "%s", why);
    const char *printed = output_of(r, program);
    check(!strcmp(printed, "page 14 cat\n"), "link", "it prints %s", printed);
    options.cc = "/nonexistent/cc";
    check(!llvm_link(&r->c, 1, &object, &options, program, &why) && strstr(why, "/nonexistent/cc"), "link", "a linker that is not there");
    output_of(r, arena_printf(r->c.arena, "rm -r %s", folder));
    arena_free(r->c.arena);
}

/* ---- texts, refusals ---- */

static void test_text(void) {
    Run *r = run_new(NULL);
    const char *why = "";
    entries_build(r);
    LoopBuilder b = run_begin(r, "mathematics");
    int y = loop_block(&b, SPACE_OUT, 0, DT_f32, 16, true);
    LoopValue *v = loop_load_lanes(&b, loop_block(&b, SPACE_BATCH, 0, DT_f32, 16, false), affine(0), 1);
    for (int f = 0; f <= MATH_pow; f++) v = loop_math(&b, (LoopMath)f, v, v);
    loop_store(&b, y, affine(0), v);
    run_entry(r, &b);
    const char *text = llvm_text(&r->c, NULL, r->program, &(LlvmOptions){.cpu = "x86-64-v3"}, LLVM_TEXT, &why);
    check(text && strstr(text, "@llvm.fma.v16f32"), "text", "it has no fma");
    check(text && !strstr(text, " fast ") && !strstr(text, "contract") && !strstr(text, "min-legal-vector-width"), "text",
          "a flag that changes bits or splits vectors");
    const char *assembly = llvm_text(&r->c, NULL, r->program, &(LlvmOptions){.cpu = "x86-64-v3", .level = 2}, LLVM_ASSEMBLY, &why);
    for (const char *call = assembly; call && (call = strstr(call, "callq")); call++)
        check(!strncmp(call, "callq\tnet.step", 14) || !strncmp(call, "callq\t*", 7) || !strncmp(call, "callq\tnn.", 9) ||
                  !strncmp(call, "callq\tnn_trap", 13) || !strncmp(call, "callq\tclock_gettime", 19) || !strncmp(call, "callq\t\"net.step", 15), "text", "%.30s", call);
    arena_free(r->c.arena);
}
static void test_refusals(void) {
    Run *r = run_new(NULL);
    const char *why = NULL;
    LlvmMachine machine;
    entries_build(r);
    check(!llvm_machine(&r->c, "x86-64-v2", &machine, &why) && strstr(why, "x86-64-v2"), "refusals", "a processor without FMA");
    check(!llvm_text(&r->c, NULL, r->program, &(LlvmOptions){.cpu = "pentium"}, LLVM_TEXT, &why), "refusals", "an unknown processor");
    check(!llvm_emit(&r->c, NULL, r->program, &(LlvmOptions){0}, LLVM_OBJECT, "/nonexistent/x.o", &why) && strstr(why, "/nonexistent/x.o"),
          "refusals", "a file that cannot be written");
    check(llvm_machine(&r->c, "x86-64-v3", &machine, &why) && machine.registers == 16 && machine.vector_bits == 256, "refusals",
          "x86-64-v3 as described");
    arena_free(r->c.arena);
}

int main(void) {
    static const struct {
        const char *name;
        void (*run)(void);
    } TESTS[] = {{"table", test_table}, {"link", test_link}, {"text", test_text}, {"refusals", test_refusals}};
    for (int i = 0; i < COUNT_OF(TESTS); i++) {
        int before = failures;
        TESTS[i].run();
        if (failures == before) printf("ok %s\n", TESTS[i].name);
    }
    return failures != 0;
}
