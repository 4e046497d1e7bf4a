/* memory.c: --memory=B: of the ways in which opt can trade recomputation for memory, the first whose plan takes no more than B of work memory
** in any call: all that loops have for their backward loops is kept, then less and less of it, then also a walk by grains wherever the cuts
** of the sums allow it (settle/grain.h). All have the same bits. None fits: an error that says what the least is. */
#include "memory.h"
#include "stages.h"
#include "../opt/opt.h"

enum { HALVES = 8 };
typedef struct Fitting {
    Pipeline *p;
    const Func **settled; /* of each entry */
    i64 least;
} Fitting;

/* Does it so; whether the plan fits. */
static bool fits(Fitting *f, i64 kept, bool walk) {
    Pipeline *p = f->p;
    OptOptions options = {.level = p->options->level, .memory = kept, .walk = walk, .bisect = p->options->bisect};
    for (int i = 0; i < p->program->entries.n; i++) p->program->entries.v[i]->func = f->settled[i];
    opt_program(&p->c, p->program, &options);
    if (!run_plan(p)) return false;
    i64 work = p->program->table.work;
    if (f->least < 0 || work < f->least) f->least = work;
    return work <= p->options->memory;
}
bool memory_fit(Pipeline *p) {
    Fitting f = {p, ARENA_ARRAY(p->c.arena, const Func *, p->program->entries.n + 1), -1};
    for (int i = 0; i < p->program->entries.n; i++) f.settled[i] = p->program->entries.v[i]->func;
    for (int walk = 0; walk < 2; walk++) {
        if (fits(&f, -1, walk)) return true;
        i64 most = p->program->table.work;
        for (int i = 1; i <= HALVES; i++)
            if (fits(&f, i < HALVES ? most >> i : 0, walk)) return true;
    }
    if (diag_errors(p->c.diag)) return false;
    diag_report(p->c.diag, E604, (Span){0}, "--memory=%lld: a call takes %lld bytes of work memory at least", (long long)p->options->memory,
                (long long)f.least);
    return false;
}
