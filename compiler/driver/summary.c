/* summary.c: see summary.h. The blocks are those that the runtime allocates at start (runtime.md: who allocates); what the process itself
** takes, code, C library, stacks, is a constant that a test measures. */
#include "summary.h"

enum { PROCESS_BYTES = 2290 << 10 }; /* of a trainer before its blocks: measured on Debian 12, see tests/cli/memory.test.sh */

static i64 elements(const nn_leaf *leaf) {
    i64 n = 1;
    for (i64 i = 0; i < leaf->n_dims; i++) n *= leaf->dims[i];
    return n;
}
static void print_size(FILE *out, const char *what, i64 bytes) {
    if (bytes < 10 << 10) fprintf(out, "  %-28s %10lld bytes\n", what, (long long)bytes);
    else if (bytes < 10 << 20) fprintf(out, "  %-28s %10.1f KiB\n", what, (double)bytes / 1024);
    else fprintf(out, "  %-28s %10.1f MiB\n", what, (double)bytes / 1048576);
}
static void print_leaves(const nn_program *t, FILE *out) {
    i64 total = 0;
    fprintf(out, "parameters\n");
    for (i64 i = 0; i < t->n_leaves; i++) {
        const nn_leaf *leaf = &t->leaves[i];
        if (leaf->role != NN_PARAM) continue;
        char shape[128] = "[";
        int n = 1;
        for (i64 d = 0; d < leaf->n_dims && n < 100; d++)
            n += snprintf(shape + n, sizeof shape - (size_t)n, "%s%lld", d ? ", " : "", (long long)leaf->dims[d]);
        snprintf(shape + n, sizeof shape - (size_t)n, "]");
        fprintf(out, "  %-36s %-20s %12lld\n", leaf->name, shape, (long long)elements(leaf));
        total += elements(leaf);
    }
    fprintf(out, "  %-57s %12lld\n", "together", (long long)total);
}
static void print_function(void *context, nn_function *f) {
    fprintf(context, "  %-36s %12.3f million operations a call, %9.1f KiB of work\n", f->name, (double)f->operations / 1e6,
            (double)f->work / 1024);
}
static void print_hypers(const nn_program *t, FILE *out) {
    if (t->n_hypers) fprintf(out, "flags of the program\n");
    for (i64 i = 0; i < t->n_hypers; i++) fprintf(out, "  --%-20s %g  %s\n", t->hypers[i].name, t->hypers[i].value, t->hypers[i].help);
}
/* What a column of a csv keeps of a row (runtime/data/csv.c). */
static i64 cell_bytes(const nn_column *column) {
    i64 n = column->n_names ? column->n_names : column->high - column->low;
    if (!strcmp(column->reader, "characters") && column->n_dims) n = column->dims[0];
    i64 size = nn_dtype_bytes(column->dtype);
    return n * (column->element == NN_CLASS ? 4 : size);
}
/* A row of each set that reads files. Rows cut into parts within a file have a list of each part's; those trained on an order. */
static void print_rows(const nn_program *t, FILE *out) {
    for (i64 s = 0; s < t->n_sets; s++) {
        const nn_set *set = &t->sets[s];
        bool windows = set->every > 1;
        i64 bytes = 0;
        if (!set->n_columns || set->n_bases) continue;
        for (i64 c = 0; c < set->n_columns; c++) {
            bytes += cell_bytes(&set->columns[c]);
            windows |= set->columns[c].window > 0;
        }
        i64 order = (set->test > 0 || set->validate > 0) && !windows ? 8 : 4;
        if (!strcmp(set->kind, "csv")) fprintf(out, "  a row of %s: %lld bytes and %lld for the order\n", set->name, (long long)bytes, (long long)order);
        else fprintf(out, "  a row of %s: its values (a byte stays a byte) and %lld bytes for the order\n", set->name, (long long)order);
    }
}
/* A training run has its parameters twice: as they are, and as they were in the best round. Results: what a call writes, and what sums of
** them a call is given. */
static i64 run_bytes(const nn_program *t) { return 2 * t->lasting + t->batch + t->work + 2 * t->out + PROCESS_BYTES; }
void summary_print(Program *program, FILE *out) {
    const nn_program *t = &program->table;
    print_leaves(t, out);
    print_hypers(t, out);
    fprintf(out, "functions\n");
    program_functions(program, print_function, out);
    fprintf(out, "memory of a training run\n");
    print_size(out, "parameters and states", t->lasting);
    print_size(out, "the best of them, kept", t->lasting);
    print_size(out, "a batch", t->batch);
    print_size(out, "work", t->work);
    print_size(out, "results", 2 * t->out);
    print_size(out, "the process itself", PROCESS_BYTES);
    print_size(out, "peak, beside the data", run_bytes(t));
    print_rows(t, out);
}
