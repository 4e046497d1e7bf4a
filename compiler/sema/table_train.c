/* table_train.c: train blocks in the table, and their functions.
**
** `out`: `finite` at 0, the sums at 64, gradients behind them. The elements of the sums are the objectives, then
** what reports sum. A report that stands in evaluations only, or in training only, is NaN in the other; so is
** nothing else. */
#include "table.h"
#include <math.h>
#include <stddef.h>

enum { SUMS_AT = 64 };
typedef struct Filling {
    Table *x;
    Train *t;
    nn_train *row;
    nn_minimize minimizes[MINIMIZES];
} Filling;

/* ---- layout ---- */
static void sums_layout(Train *t) {
    t->n_sums = t->objectives.n, t->n_shown = 0;
    for (int i = 0; i < t->reports.n; i++) {
        Report *r = t->reports.v[i];
        for (int k = 0; k < r->summands.n; k++) {
            r->summands.v[k].element = t->n_sums;
            t->n_sums += summand_count(&r->summands.v[k]);
        }
        r->shown = r->averaged ? t->n_shown : -1;
        if (r->averaged) t->n_shown += shape_count(&r->shape);
    }
}
static void minimizes_fill(Filling *f) {
    Eval *e = f->x->e;
    for (int k = 0; k < f->t->objectives.n; k++) {
        const Objective *o = f->t->objectives.v[k];
        i64 *leaves = ARENA_ARRAY(e->arena, i64, o->slots.n + 1), *offsets = ARENA_ARRAY(e->arena, i64, o->slots.n + 1);
        i64 begin = aligned(SUMS_AT + f->x->real * f->t->n_sums), at = begin;
        for (int i = 0; i < o->slots.n; i++) {
            leaves[i] = leaf_index(f->x, o->slots.v[i]), offsets[i] = at;
            at = aligned(at + f->x->real * shape_count(&o->slots.v[i]->shape));
            if (f->t->in[k]) hole_place(e, f->t->in[k][i], BLOCK_IN, offsets[i]);
        }
        f->minimizes[k] = (nn_minimize){.name = o->name,
                                        .every = o->every,
                                        .sum = k,
                                        .n_leaves = o->slots.n,
                                        .leaves = leaves,
                                        .n_offsets = o->slots.n,
                                        .offsets = offsets,
                                        .bytes = at - begin};
        bool gradients = f->t->all || e->c->gradients;
        if (gradients && at > f->row->out) f->row->out = at;
    }
    f->row->n_minimizes = f->t->objectives.n;
    f->row->minimizes = arena_copy(e->arena, f->minimizes, sizeof f->minimizes);
}
static bool trains_with(const Train *t, int report) {
    for (int i = 0; i < t->passes.n; i++) {
        const Pass *pass = t->passes.v[i];
        if ((pass->kind == PASS_STEP || pass->kind == PASS_SUM) && report < pass->sums.n && pass->sums.v[report])
            return true;
    }
    return false;
}
static void reports_fill(Filling *f) {
    Eval *e = f->x->e;
    VEC(nn_report) rows = {0};
    for (int i = 0; i < f->t->reports.n; i++) {
        const Report *r = f->t->reports.v[i];
        nn_report row = {.name = r->name,
                         .n_dims = r->shape.rank,
                         .dims = dims_of(e, &r->shape),
                         .n_classes = r->n_classes,
                         .classes = r->classes,
                         .sum = r->averaged ? -1 : r->summands.v[0].element,
                         .shown = r->shown,
                         .eval_only = !trains_with(f->t, i)};
        vec_push(e->arena, &rows, row);
    }
    f->row->reports = rows.v, f->row->n_reports = rows.n;
}

/* ---- results ---- */
static Node *elements(Eval *e, Node *node, i64 n) { return ir_reshape(e->graph, node, 1, &n); }
static Node *filled(Eval *e, double value, i64 n) {
    return ir_fill(e->graph, value, type_get(e->graph, e->real, 1, &n));
}
/* All sums as one vector. */
static void sums_add(const Filling *f, const Pass *pass, Results *results) {
    Eval *e = f->x->e;
    VEC(Node *) parts = {0};
    for (int k = 0; k < f->t->objectives.n; k++) {
        Node *sum = pass->objectives[k];
        double absent = pass->kind == PASS_EVAL ? NAN : 0; /* a minimize that does not act adds nothing */
        vec_push(e->arena, &parts, sum ? elements(e, sum, 1) : filled(e, absent, 1));
    }
    for (int i = 0; i < f->t->reports.n; i++) {
        const Report *r = f->t->reports.v[i];
        Node **sums = i < pass->sums.n ? pass->sums.v[i] : NULL;
        for (int k = 0; k < r->summands.n; k++) {
            i64 n = summand_count(&r->summands.v[k]);
            vec_push(e->arena, &parts, sums ? elements(e, sums[k], n) : filled(e, NAN, n));
        }
    }
    if (parts.n)
        result_add(e, results, parts.n == 1 ? parts.v[0] : ir_concat(e->graph, parts.n, parts.v, 0), BLOCK_OUT,
                   SUMS_AT);
}
static void finite_add(const Filling *f, const Pass *pass, Results *results) {
    Eval *e = f->x->e;
    Node *finite =
        pass->largest ? ir_lt(e->graph, pass->largest, ir_real(e->graph, e->real, INFINITY)) : ir_bool(e->graph, true);
    result_add(e, results, finite, BLOCK_OUT, 0);
}
/* In the order of the leaves: parameters, then their states in the same order. */
static void ends_add(const Filling *f, const Pass *pass, Results *results) {
    for (int i = 0; i < f->x->leaves.n; i++)
        for (int k = 0; k < pass->changed.n; k++)
            if (pass->changed.v[k] == f->x->leaves.v[i])
                result_add(f->x->e, results, pass->ends.v[k], BLOCK_LASTING, leaf_offset(f->x, pass->changed.v[k]));
}
static void gradients_add(const Filling *f, int k, Node *const *gradients, Results *results) {
    for (int i = 0; i < f->t->objectives.v[k]->slots.n; i++)
        result_add(f->x->e, results, gradients[i], BLOCK_OUT, f->minimizes[k].offsets[i]);
}
static Results pass_results(const Filling *f, const Pass *pass) {
    Results r = {0};
    if (pass->kind == PASS_STEP || pass->kind == PASS_SUM || pass->kind == PASS_APPLY) finite_add(f, pass, &r);
    if (pass->kind == PASS_STEP || pass->kind == PASS_EVAL || pass->kind == PASS_SUM) sums_add(f, pass, &r);
    if (pass->kind == PASS_SUM) gradients_add(f, 0, pass->gradients[0], &r);
    if (pass->kind == PASS_STEP || pass->kind == PASS_APPLY || pass->kind == PASS_EVAL) ends_add(f, pass, &r);
    return r;
}
static Results start_results(const Filling *f) {
    Results r = {0};
    for (int i = 0; i < f->t->states.n; i++)
        if (f->t->states.v[i]->role != ROLE_CARRY)
            initial_add(f->x, &r, f->t->states.v[i]); /* carries begin in a step that is fresh */
    return r;
}
/* What reports with averages show: their averages are slices of the sums' averages. */
static Results show_results(const Filling *f) {
    Eval *e = f->x->e;
    Train *t = f->t;
    Results r = {0};
    VEC(Node *) parts = {0};
    Node *in = ir_hole(e->graph, type_get(e->graph, e->real, 1, &t->n_sums));
    hole_place(e, in, BLOCK_IN, 0);
    for (int i = 0; i < t->reports.n; i++) {
        const Report *report = t->reports.v[i];
        for (int k = 0; k < report->summands.n; k++) {
            const Summand *s = &report->summands.v[k];
            if (s->hole)
                hole_replace(e, s->hole,
                             ir_reshape(e->graph,
                                        ir_slice(e->graph, in, 0, s->element, s->element + summand_count(s), 1),
                                        s->shape.rank, s->shape.dims));
        }
        if (report->averaged) vec_push(e->arena, &parts, elements(e, report->show, shape_count(&report->shape)));
    }
    if (parts.n) result_add(e, &r, parts.n == 1 ? parts.v[0] : ir_concat(e->graph, parts.n, parts.v, 0), BLOCK_OUT, 0);
    return r;
}

/* ---- functions ---- */
static nn_function function(const Filling *f, const char *what, const Results *r) {
    if (!r->nodes.n) return no_function();
    return entry_make(f->x->e, arena_printf(f->x->e->arena, "%s.%s", f->t->name, what), r, f->t->use.rows);
}
static const Pass *pass_of(const Train *t, PassKind kind) {
    for (int i = 0; i < t->passes.n; i++)
        if (t->passes.v[i]->kind == kind) return t->passes.v[i];
    return NULL;
}
/* A step for each set of minimizes that can act together; the others are empty rows. */
static void steps_fill(Filling *f) {
    Eval *e = f->x->e;
    u32 all = (1u << f->t->objectives.n) - 1;
    nn_function *steps = ARENA_ARRAY(e->arena, nn_function, all + 1);
    for (u32 set = 0; set <= all; set++) {
        steps[set] = no_function();
        for (int i = 0; i < f->t->passes.n; i++) {
            const Pass *pass = f->t->passes.v[i];
            if (pass->kind != PASS_STEP || (pass->active & all) != set) continue;
            Results r = pass_results(f, pass);
            steps[set] = function(f, set == all ? "step" : arena_printf(e->arena, "step.%u", set), &r);
        }
    }
    f->row->step = steps, f->row->n_step = all + 1;
}
static const nn_function *one(Filling *f, const char *what, const Results *r) {
    nn_function made = function(f, what, r);
    return arena_copy(f->x->e->arena, &made, sizeof made);
}
static void pieces_fill(Filling *f) {
    Results sum = pass_results(f, pass_of(f->t, PASS_SUM)), apply = pass_results(f, pass_of(f->t, PASS_APPLY));
    f->row->sum = one(f, "sum.1", &sum), f->row->n_sum = 1;
    f->row->apply = one(f, "apply.1", &apply), f->row->n_apply = 1;
}
static void derivatives_fill(Filling *f) {
    Eval *e = f->x->e;
    const Pass *pass = pass_of(f->t, PASS_GRADIENTS);
    int n = f->t->objectives.n;
    nn_function *value = ARENA_ARRAY(e->arena, nn_function, n + 1),
                *gradient = ARENA_ARRAY(e->arena, nn_function, n + 1),
                *second = ARENA_ARRAY(e->arena, nn_function, n + 1);
    for (int k = 0; pass && k < n; k++) {
        Results v = {0}, g = {0}, s = {0};
        result_add(e, &v, pass->means[k], BLOCK_OUT, 0);
        gradients_add(f, k, pass->gradients[k], &g);
        gradients_add(f, k, pass->seconds[k], &s);
        value[k] = function(f, arena_printf(e->arena, "value.%d", k + 1), &v);
        gradient[k] = function(f, arena_printf(e->arena, "gradient.%d", k + 1), &g);
        second[k] = function(f, arena_printf(e->arena, "second.%d", k + 1), &s);
    }
    if (!pass) return;
    f->row->value = value, f->row->gradient = gradient, f->row->second = second;
    f->row->n_value = f->row->n_gradient = f->row->n_second = n;
}
/* One layout of a batch for all functions of the block. */
static void feed_fill(Filling *f) {
    Eval *e = f->x->e;
    Results all = {0};
    for (int i = 0; i < f->t->passes.n; i++) {
        const Pass *pass = f->t->passes.v[i];
        Results r = pass_results(f, pass);
        for (int k = 0; pass->kind == PASS_GRADIENTS && k < f->t->objectives.n; k++) {
            result_add(e, &r, pass->means[k], BLOCK_OUT, 0);
            gradients_add(f, k, pass->gradients[k], &r), gradients_add(f, k, pass->seconds[k], &r);
        }
        for (int k = 0; k < r.nodes.n; k++) vec_push(e->arena, &all.nodes, r.nodes.v[k]);
    }
    use_layout(e, &f->t->use, all.nodes.v, all.nodes.n);
    f->row->feed = f->t->use.feed;
    batch_counts(f->x, &f->row->feed);
}

/* ---- the row ---- */
static void best_fill(Filling *f) {
    const Ast *best = f->t->best;
    f->row->best = -1, f->row->best_sign = -1;
    if (!best) return;
    bool negative = best->kind == AST_unary;
    const char *name = (negative ? best->unary.value : best)->name.name.text;
    for (int i = 0; i < f->t->reports.n; i++)
        if (!strcmp(f->t->reports.v[i]->name, name)) f->row->best = i;
    for (int i = 0; i < f->t->objectives.n; i++)
        if (!strcmp(f->t->objectives.v[i]->name, name)) f->row->best = f->t->reports.n + i;
    f->row->best_sign = negative ? -1 : 1;
}
static nn_train train_row(Table *x, Train *t) {
    Eval *e = x->e;
    nn_train row = {.name = t->name,
                    .n_models = t->names.n,
                    .models = arena_copy(e->arena, t->names.v, sizeof(char *) * (size_t)t->names.n),
                    .all = t->all,
                    .epochs = t->epochs,
                    .steps = t->steps,
                    .patience = t->patience,
                    .start_file = t->start_file,
                    .stream = t->stream,
                    .hold = t->hold ? t->hold : 1,
                    .sums = SUMS_AT,
                    .line = line_of(t->ast->span)};
    Filling f = {.x = x, .t = t, .row = &row};
    sums_layout(t);
    row.n_sums = t->n_sums, row.n_shown = t->n_shown;
    row.out = aligned(SUMS_AT + x->real * t->n_sums);
    if (row.out < aligned(x->real * t->n_shown)) row.out = aligned(x->real * t->n_shown);
    minimizes_fill(&f);
    reports_fill(&f);
    best_fill(&f);
    hole_place(e, t->count, BLOCK_CALL, offsetof(nn_call, count));
    Results start = start_results(&f), show = show_results(&f);
    feed_fill(&f);
    row.start = function(&f, "start", &start);
    if (t->all)
        pieces_fill(&f);
    else
        steps_fill(&f);
    Results eval = pass_results(&f, pass_of(t, PASS_EVAL));
    row.eval = function(&f, "eval", &eval);
    row.show = function(&f, "show", &show);
    derivatives_fill(&f);
    out_counts(x, row.out);
    return row;
}
void trains_fill(Table *x) {
    const Page *page = page_of(x->e);
    nn_train *rows = ARENA_ARRAY(x->e->arena, nn_train, page->trains.n + 1);
    for (int i = 0; i < page->trains.n; i++) rows[i] = train_row(x, page->trains.v[i]);
    x->t->trains = rows, x->t->n_trains = page->trains.n;
}
