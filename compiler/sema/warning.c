/* warning.c: what is allowed but rarely meant (-Wall), and what --explain-batch tells. */
#include "page.h"
#include <stdio.h>

/* ---- batch_mean ---- */
static const Pass *pass_at(const Context *c) {
    return c->where == WHERE_TRAIN || c->where == WHERE_REPORT ? c->block : NULL;
}
static Span users_span(const Context *c, Span span) {
    for (const Chain *x = c->chain; x && span.source && span.source->library; x = x->up) span = x->span;
    return span;
}
static i64 examples_seen(const Context *c, Frames across) {
    i64 n = 1;
    for (int i = 0; i < c->n_frames; i++)
        if (across >> i & 1 && !i64_multiply(n, c->frames[i]->n, &n)) return INT64_MAX;
    return n;
}
/* "net.batch_norm_2: batch_mean over 32 (example), 28 28 (conv2d)": outermost first. */
static void explain(Eval *e, const Pass *pass, const Context *c, Span span, Frames across) {
    Text t = {.arena = e->arena};
    Span user = users_span(c, span);
    text_printf(&t, "%s:%d  in %s: batch_mean over", user.source ? user.source->path : "",
                user.source ? span_line(user) : 0, c->site);
    for (int i = 0; i < c->n_frames; i++)
        if (across >> i & 1)
            text_printf(&t, " %lld (%s)", (long long)c->frames[i]->n,
                        i ? c->frames[i]->what : "the examples of a step");
    text_printf(&t, "%s\n", c->where == WHERE_REPORT ? ", in a report" : "");
    const char *line = intern(e, text_done(&t));
    Page *page = page_of(e);
    for (int i = 0; i < page->batch_lines.n; i++)
        if (page->batch_lines.v[i] == line) return;
    vec_push(e->arena, &page->batch_lines, line);
    fputs(line, e->options->out ? e->options->out : stdout);
    (void)pass;
}
void batch_watch(Eval *e, const Context *c, Span span, Frames across) {
    const Pass *pass = pass_at(c);
    if (!pass) return;
    if (pass->train->all && across & 1) {
        Message *m = sema_error(e, c, E474, span,
                                "with batch=all a step goes over the rows in pieces, and this looks across them");
        message_help(m, "a batch that is a number: batch=64");
    }
    if (pass->kind != PASS_STEP) return;
    if (examples_seen(c, across) == 1) {
        Message *m = sema_warning(e, c, W705, span, "the mean over a batch of one example is the example itself");
        message_help(m, "a larger batch, or layer_norm, which needs none");
    }
    if (e->nodes && e->options->explain_batch) explain(e, pass, c, span, across);
}

/* ---- what is trained ---- */
enum { NAMES_SHOWN = 8 };
static bool listed(const Slot *s, Slot *const *v, int n) {
    for (int i = 0; i < n; i++)
        if (v[i] == s) return true;
    return false;
}
static void unreached(Eval *e, const Page *page, const Train *t) {
    Text names = {.arena = e->arena};
    int n = 0;
    for (int i = 0; i < t->slots.n; i++) {
        const Slot *s = t->slots.v[i];
        if (listed(s, page->reached.v, page->reached.n)) continue;
        if (n++ < NAMES_SHOWN) text_printf(&names, "%s`%s`", n > 1 ? ", " : "", path_join(e, s->owner, s->path));
    }
    if (!n) return;
    if (n > NAMES_SHOWN) text_printf(&names, " and %d more", n - NAMES_SHOWN);
    Message *m = sema_warning(e, NULL, W703, t->ast->train.models.v[0].span, "no minimize reaches the parameter%s %s",
                              n == 1 ? "" : "s", text_done(&names));
    for (int i = 0; i < t->slots.n; i++) {
        const Slot *s = t->slots.v[i];
        if (!listed(s, page->reached.v, page->reached.n) && s->span.source && !s->span.source->library)
            message_note(m, s->span, "`%s` is declared here", s->path);
    }
}
static bool trained(const Page *page, const Model *m) {
    for (int i = 0; i < page->trains.n; i++) {
        const Train *t = page->trains.v[i];
        if (*t->start_file) return true; /* from a file, perhaps */
        for (int k = 0; k < t->models.n; k++) {
            if (t->models.v[k] == m) return true;
            for (int j = 0; j < t->models.v[k]->calls.n; j++)
                if (t->models.v[k]->calls.v[j] == m) return true;
        }
    }
    return page->trains.n == 0; /* a page for others to import */
}
static void untrained(Eval *e, const Page *page) {
    for (int i = 0; i < e->model_list.n; i++) {
        const Model *m = e->model_list.v[i];
        Span span = m->function->ast->function.name.span;
        if (span.source == page->main->source && m->slots.n && !trained(page, m))
            sema_warning(e, NULL, W704, span, "no block trains the model `%s`", m->function->name);
    }
}
static bool validates(const DataSet *set) {
    bool file = *set->files[1] || set->validate > 0 || data_endless(set);
    for (int i = 0; i < set->columns.n; i++)
        file |= !strcmp(set->columns.v[i]->reader, "idx") && *set->columns.v[i]->names[1];
    return file;
}
static void patience(Eval *e, const Train *t) {
    if (!t->patience || validates(t->use.set)) return;
    Message *m = sema_warning(e, NULL, W706, t->ast->train.data.span,
                              "`patience` without validation: the training rows themselves decide when to stop");
    message_help(m, "data %s .., validate=10%%", t->use.set->name);
}

/* ---- reports that cost a forward pass ---- */
static const Pass *full_step(const Train *t) {
    for (int i = 0; i < t->passes.n; i++)
        if (t->passes.v[i]->kind == PASS_STEP || t->passes.v[i]->kind == PASS_SUM) return t->passes.v[i];
    return NULL;
}
static void needed_for_training(const Train *t, const Pass *pass, Arena *scratch, NodeMap *seen) {
    VEC(Node *) roots = {0};
    for (int k = 0; k < t->objectives.n; k++) {
        if (pass->objectives[k]) vec_push(scratch, &roots, pass->objectives[k]);
        for (int i = 0; pass->gradients[k] && i < t->objectives.v[k]->slots.n; i++)
            vec_push(scratch, &roots, pass->gradients[k][i]);
    }
    for (int i = 0; i < pass->ends.n; i++) vec_push(scratch, &roots, pass->ends.v[i]);
    NodeList all = order_walk(scratch, roots.v, roots.n);
    for (int i = 0; i < all.n; i++) nodemap_set(seen, all.v[i], all.v[i]);
}
/* A product, or a loop with one in it: what takes the time of a net. */
static bool has_product(Arena *scratch, const Node *node) {
    if (node->op != OP_scan) return node->op == OP_dot;
    NodeList body = order_walk(scratch, node->at->body->results, node->at->body->n_results);
    for (int i = 0; i < body.n; i++)
        if (has_product(scratch, body.v[i])) return true;
    return false;
}
static void costly(Eval *e, const Train *t) {
    const Pass *pass = full_step(t);
    Arena *scratch = arena_new("scratch");
    NodeMap seen = {.arena = scratch};
    if (pass) needed_for_training(t, pass, scratch, &seen);
    for (int i = 0; pass && i < t->reports.n && i < pass->sums.n; i++) {
        const Report *r = t->reports.v[i];
        NodeList all = {0};
        if (pass->sums.v[i]) all = order_walk(scratch, pass->sums.v[i], r->summands.n);
        int products = 0;
        for (int k = 0; k < all.n; k++) products += has_product(scratch, all.v[k]) && !nodemap_get(&seen, all.v[k]);
        if (!products) continue;
        Message *m =
            sema_warning(e, NULL, W707, r->ast->span, "each step computes a forward pass that only this report needs");
        message_help(m,
                     "if not training { report %s = .. } costs training nothing; or use what the loss is computed from",
                     r->name);
    }
    arena_free(scratch);
}

void warnings_find(Eval *e) {
    const Page *page = page_of(e);
    for (int i = 0; i < page->trains.n; i++) {
        unreached(e, page, page->trains.v[i]);
        patience(e, page->trains.v[i]);
        costly(e, page->trains.v[i]);
    }
    untrained(e, page);
    warnings_of_text(e);
}
