/* pipeline.c: see pipeline.h. */
#include "pipeline.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "stages.h"

typedef struct StageRow {
    const char *name, *purpose;
    bool (*run)(Pipeline *p);
    void (*show)(Pipeline *p, FILE *out);
    void (*verify)(Pipeline *p);
} StageRow;
static const StageRow rows[STAGES] = {
#define STAGE(name, purpose) {#name, purpose, run_##name, show_##name, verify_##name},
#include "pipeline.def"
#undef STAGE
};
bool pipeline_has(const char *stage) {
    for (int i = 0; i < STAGES; i++)
        if (strcmp(rows[i].name, stage) == 0) return true;
    return false;
}
int pipeline_stages(const char **names, int most) {
    int n = STAGES < most ? STAGES : most;
    for (int i = 0; i < n; i++) names[i] = rows[i].name;
    return n;
}
Stage pipeline_find(const char *stage) {
    for (int i = 0; i < STAGES; i++)
        if (strcmp(rows[i].name, stage) == 0) return (Stage)i;
    nnc_bug("no stage %s", stage);
}
const char *pipeline_purpose(Stage stage) { return rows[stage].purpose; }
void pipeline_show(Pipeline *p, Stage stage, FILE *out) { rows[stage].show(p, out); }

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
static void print_messages(const Pipeline *p) {
    diag_print(p->c.diag, stderr, p->options->json, p->options->warnings, isatty(2) && !getenv("NO_COLOR"));
}
static bool wants(const Pipeline *p, const char *stage) {
    for (int i = 0; i < p->options->dumps.n; i++)
        if (strcmp(p->options->dumps.v[i], stage) == 0) return true;
    return false;
}
bool pipeline_run(Pipeline *p, Stage last) {
    const Options *o = p->options;
    if (o->stop_after && pipeline_find(o->stop_after) < last) last = pipeline_find(o->stop_after);
    bool fine = true;
    for (int i = 0; fine && i <= (int)last; i++) {
        if ((i == STAGE_llvm || i == STAGE_asm) && i != (int)last && !wants(p, rows[i].name)) continue; /* only looked at */
        double start = now();
        fine = rows[i].run(p) && diag_errors(p->c.diag) == 0;
        if (fine && (o->verify || getenv("NNC_VERIFY"))) rows[i].verify(p);
        if (o->time) fprintf(stderr, "%-8s %8.1f ms\n", rows[i].name, 1e3 * (now() - start));
        if (fine && wants(p, rows[i].name)) rows[i].show(p, stdout);
        p->reached = (Stage)i;
    }
    print_messages(p);
    if (!fine && !p->exit_code) p->exit_code = 1;
    return fine;
}
