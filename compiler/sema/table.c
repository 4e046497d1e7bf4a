/* table.c: the table for the runtime (abi.def) and the functions that it names: layouts of what lasts, of batches
** and of results.
**
** What lasts is sorted by role, owner and path, so weights, their states and gradients have one order. Train blocks
** are in table_train.c. */
#include "table.h"

nn_function no_function(void) { return (nn_function){.name = ""}; }
i64 line_of(Span span) { return span.source && !span.source->library ? span_line(span) : 0; }
const i64 *dims_of(Eval *e, const Shape *shape) {
    return arena_copy(e->arena, shape->dims, sizeof(i64) * (size_t)(shape->rank + 1));
}

/* ---- what lasts ---- */
static const char *owner_of(const Table *x, const Slot *s) {
    const Page *page = page_of(x->e);
    for (int i = 0; i < page->trains.n; i++)
        if (page->trains.v[i]->owner == s->owner) return page->trains.v[i]->name;
    for (int i = 0; i < page->generates.n; i++)
        if (page->generates.v[i]->owner == s->owner) return page->generates.v[i]->name;
    return s->owner;
}
/* Where the path of a leaf ends and the name within its record begins: "1.adam.m", "mlp.dense.weight". */
static size_t leaf_begins(const Table *x, const Slot *s) {
    for (const char *dot = s->path; (dot = strchr(dot, '.')); dot++) {
        const char *path = str_intern_n(x->e->c->strings, s->path, (size_t)(dot - s->path));
        const Group *g = group_find(x->e, s->owner, path);
        for (int i = 0; g && i < g->n; i++)
            if (g->slots[i] == s) return (size_t)(dot - s->path);
    }
    return strlen(s->path);
}
static const char *leaf_name(const Table *x, const Slot *s) {
    Eval *e = x->e;
    if (s->role <= ROLE_MODEL_STATE) return path_join(e, s->owner, s->path);
    size_t n = leaf_begins(x, s);
    const char *rest = s->path[n] ? arena_printf(e->arena, "/%s", s->path + n + 1) : "", *own = s->path;
    if (s->role == ROLE_BLOCK_STATE || s->role == ROLE_CARRY)
        return arena_printf(e->arena, "%s/%s/%.*s%s", owner_of(x, s), s->role == ROLE_CARRY ? "carry" : "state", (int)n,
                            own, rest);
    size_t objective = (size_t)(strchr(strchr(own, '.') + 1, '.') - own); /* "1.adam" */
    return arena_printf(e->arena, "%s/%.*s/%.*s%s", owner_of(x, s), (int)objective, own, (int)(n - objective - 1),
                        own + objective + 1, rest);
}
static bool before(const Slot *a, const Slot *b) {
    if (a->role != b->role) return a->role < b->role;
    int order = strcmp(a->owner, b->owner);
    return (order ? order : strcmp(a->path, b->path)) < 0;
}
static void leaf_insert(Table *x, Slot *s) {
    int at = x->leaves.n;
    vec_push(x->e->arena, &x->leaves, s);
    for (; at > 0 && before(s, x->leaves.v[at - 1]); at--) x->leaves.v[at] = x->leaves.v[at - 1];
    x->leaves.v[at] = s;
}
static void leaves_fill(Table *x) {
    Eval *e = x->e;
    const Page *page = page_of(e);
    for (int i = 0; i < e->slots.n; i++)
        if (e->slots.v[i]->role <= ROLE_MODEL_STATE) leaf_insert(x, e->slots.v[i]);
    for (int i = 0; i < page->trains.n; i++)
        for (int k = 0; k < page->trains.v[i]->states.n; k++) leaf_insert(x, page->trains.v[i]->states.v[k]);
    for (int i = 0; i < page->generates.n; i++)
        for (int k = 0; k < page->generates.v[i]->states.n; k++) leaf_insert(x, page->generates.v[i]->states.v[k]);
    for (int i = 0; i < x->leaves.n; i++) {
        Slot *s = x->leaves.v[i];
        const Type *type = slot_in(e, s)->type;
        nn_leaf leaf = {.name = leaf_name(x, s),
                        .role = s->role,
                        .owner = owner_of(x, s),
                        .dtype = type->dtype,
                        .n_dims = type->rank,
                        .dims = arena_copy(e->arena, type->dims, sizeof(i64) * (size_t)(type->rank + 1)),
                        .offset = x->t->lasting};
        hole_place(e, slot_in(e, s), BLOCK_LASTING, leaf.offset);
        map_set_ptr(&x->index, s, (void *)(uintptr_t)(i + 1));
        vec_push(e->arena, &x->rows, leaf);
        x->t->lasting = aligned(leaf.offset + type_bytes(type));
    }
    x->t->leaves = x->rows.v, x->t->n_leaves = x->rows.n;
}
i64 leaf_index(const Table *x, const Slot *s) {
    i64 i = (i64)(uintptr_t)map_get_ptr(&x->index, s);
    nnc_check(i, "`%s` of `%s` is no leaf", s->path, s->owner);
    return i - 1;
}
i64 leaf_offset(const Table *x, const Slot *s) { return x->rows.v[leaf_index(x, s)].offset; }
/* The beginnings of slots, each in the type of its leaf. */
void initial_add(const Table *x, Results *results, Slot *s) {
    nnc_check(s->initial, "`%s` of `%s` has no initial value", s->path, s->owner);
    result_add(x->e, results, node_cast(x->e, s->initial, slot_in(x->e, s)->type->dtype), BLOCK_LASTING,
               leaf_offset(x, s));
}
static void init_fill(Table *x) {
    Results results = {0};
    for (int i = 0; i < x->leaves.n; i++)
        if (x->leaves.v[i]->role <= ROLE_MODEL_STATE) initial_add(x, &results, x->leaves.v[i]);
    x->t->init = results.nodes.n ? entry_make(x->e, "init", &results, 0) : no_function();
}

/* ---- hypers ---- */
static void hypers_fill(Table *x) {
    Eval *e = x->e;
    Page *page = page_of(e);
    VEC(nn_hyper) rows = {0};
    for (int i = 0; i < page->hypers.n; i++) {
        HyperDeclaration *h = page->hypers.v[i];
        double value = 0;
        if (h->hyper.fixed) {
            if (h->hole) hole_replace(e, h->hole, hyper_constant(e, h));
            continue;
        }
        peek_number(h->value, &value);
        nn_hyper row = {.name = h->hyper.name,
                        .kind = h->value->element.kind,
                        .value = value,
                        .low = h->low,
                        .high = h->high,
                        .help = h->ast->hyper.help ? h->ast->hyper.help : "",
                        .offset = x->t->hypers_bytes};
        hole_place(e, h->hole, BLOCK_HYPERS, row.offset);
        x->t->hypers_bytes += 8;
        vec_push(e->arena, &rows, row);
    }
    x->t->hypers = rows.v, x->t->n_hypers = rows.n;
}

/* ---- data ---- */
static const char *line_text(Eval *e, Span span) {
    size_t n;
    const char *text = span_line_text(span, &n);
    while (n && (*text == ' ' || *text == '\t')) text++, n--;
    return str_intern_n(e->c->strings, text, n);
}
static nn_column column_row(Eval *e, const Column *c) {
    return (nn_column){.field = c->field,
                       .reader = c->reader,
                       .n_names = c->n_names,
                       .names = c->names,
                       .low = c->low,
                       .high = c->high,
                       .element = c->element.kind,
                       .classes = c->element.kind == ELEMENT_CLASS ? c->element.classes : 0,
                       .n_class_names = c->element.n_names,
                       .class_names = c->element.names,
                       .n_dims = c->shape.rank,
                       .dims = dims_of(e, &c->shape),
                       .dtype = c->dtype,
                       .may_be_u8 = c->may_be_u8,
                       .window = c->window,
                       .shift = c->shift,
                       .base = c->base,
                       .column = c->column,
                       .text = line_text(e, c->span),
                       .line = line_of(c->span)};
}
static void sets_fill(Table *x) {
    Eval *e = x->e;
    const Page *page = page_of(e);
    VEC(nn_set) rows = {0};
    for (int i = 0; i < page->sets.n; i++) {
        const DataSet *set = page->sets.v[i];
        VEC(nn_column) columns = {0};
        i64 *bases = ARENA_ARRAY(e->arena, i64, set->n_bases + 1);
        for (int k = 0; k < set->columns.n; k++) vec_push(e->arena, &columns, column_row(e, set->columns.v[k]));
        for (int k = 0; k < set->n_bases; k++) bases[k] = set->bases[k]->index;
        nn_set row = {.name = set->name,
                      .kind = set->kind,
                      .n_files = set->has_source ? 3 : 0,
                      .files = arena_copy(e->arena, set->files, sizeof set->files),
                      .folder = set->file->folder,
                      .n_bases = set->n_bases,
                      .bases = bases,
                      .n_numbers = set->n_numbers,
                      .numbers = set->numbers,
                      .classes = set->classes,
                      .validate = set->validate,
                      .test = set->test,
                      .every = set->every,
                      .n_columns = columns.n,
                      .columns = columns.v,
                      .line = line_of(set->ast->data.name.span)};
        vec_push(e->arena, &rows, row);
    }
    x->t->sets = rows.v, x->t->n_sets = rows.n;
}
void batch_counts(Table *x, const nn_feed *feed) {
    if (feed->bytes > x->t->batch) x->t->batch = feed->bytes;
}
void out_counts(Table *x, i64 bytes) {
    if (bytes > x->t->out) x->t->out = bytes;
}
static void set_averages(Table *x, DataSet *set, Average *const *averages, int n, nn_average *rows) {
    Eval *e = x->e;
    Node **sums = ARENA_ARRAY(e->arena, Node *, n + 1);
    for (int k = 0; k < n; k++) sums[k] = averages[k]->sum;
    use_layout(e, &set->pieces, sums, n);
    batch_counts(x, &set->pieces.feed);
    for (int k = 0; k < n; k++) {
        Average *a = averages[k];
        Results results = {0};
        result_add(e, &results, a->sum, BLOCK_OUT, 0);
        out_counts(x, aligned(type_bytes(a->sum->type)));
        rows[k] = (nn_average){.name = intern(e, arena_printf(e->arena, "%s/average/%d", set->name, k)),
                               .n_dims = a->shape.rank,
                               .dims = dims_of(e, &a->shape),
                               .offset = a->offset,
                               .feed = set->pieces.feed};
        rows[k].sum = entry_make(e, arena_printf(e->arena, "%s.average.%d", set->name, k), &results, PIECE_ROWS);
    }
}
/* Each once: an average of the same as an earlier one is that one. A place in the block for each. */
static int averages_place(Table *x, DataSet *set, Average **once) {
    Eval *e = x->e;
    int n = 0;
    for (int k = 0; k < set->averages.n; k++) {
        Average *a = set->averages.v[k];
        int same = 0;
        a->sum = replaced(e, a->sum);
        while (same < n && once[same]->sum != a->sum) same++;
        if (same < n) {
            if (a->hole) hole_replace(e, a->hole, once[same]->hole);
            continue;
        }
        once[n++] = a;
        a->offset = x->t->averages_bytes;
        hole_place(e, a->hole, BLOCK_AVERAGES, a->offset);
        x->t->averages_bytes = aligned(a->offset + x->real * shape_count(&a->shape));
    }
    return n;
}
static void averages_fill(Table *x) {
    Eval *e = x->e;
    const Page *page = page_of(e);
    int all = 0, at = 0;
    for (int i = 0; i < page->sets.n; i++) all += page->sets.v[i]->averages.n;
    Average **once = ARENA_ARRAY(e->arena, Average *, all + 1);
    nn_average *rows = ARENA_ARRAY(e->arena, nn_average, all + 1);
    for (int i = 0; i < page->sets.n; i++) {
        DataSet *set = page->sets.v[i];
        int n = averages_place(x, set, once + at);
        if (n) set_averages(x, set, once + at, n, rows + at);
        at += n;
    }
    x->t->averages = rows, x->t->n_averages = at;
}

/* ---- predict ---- */
static nn_output output_row(Eval *e, const Predict *p, const Output *o) {
    const Element element = o->value->element;
    nn_output row = {.name = o->name,
                     .n_dims = o->value->shape.rank,
                     .dims = dims_of(e, &o->value->shape),
                     .element = element.kind,
                     .dtype = element_dtype(e, element),
                     .n_class_names = element.n_names,
                     .class_names = element.names,
                     .like_column = -1};
    const DataSet *set = p->use.set;
    for (int i = 0; i < set->fields.n && element.kind == ELEMENT_CLASS; i++) {
        const Field *f = &set->fields.v[i];
        if (f->name.text != o->name || !element_equal(f->value->element, element)) continue;
        row.like_column = f->column;
        if (f->value->element.n_names)
            row.n_class_names = f->value->element.n_names, row.class_names = f->value->element.names;
    }
    return row;
}
static void predicts_fill(Table *x) {
    Eval *e = x->e;
    const Page *page = page_of(e);
    VEC(nn_predict) rows = {0};
    for (int i = 0; i < page->predicts.n; i++) {
        Predict *p = page->predicts.v[i];
        VEC(nn_output) outputs = {0};
        Results results = {0};
        i64 at = 0;
        for (int k = 0; k < p->outputs.n; k++) {
            nn_output row = output_row(e, p, &p->outputs.v[k]);
            row.offset = at;
            result_add(e, &results, p->outputs.v[k].node, BLOCK_OUT, at);
            at = aligned(at + type_bytes(p->outputs.v[k].node->type));
            vec_push(e->arena, &outputs, row);
        }
        use_layout(e, &p->use, results.nodes.v, results.nodes.n);
        batch_counts(x, &p->use.feed), out_counts(x, at);
        nn_predict row = {
            .name = p->name, .feed = p->use.feed, .n_outputs = outputs.n, .outputs = outputs.v, .out = at};
        row.rows = entry_make(e, arena_printf(e->arena, "%s.rows", p->name), &results, PREDICT_ROWS);
        vec_push(e->arena, &rows, row);
    }
    x->t->predicts = rows.v, x->t->n_predicts = rows.n;
}

static void generates_fill(Table *x) {
    const Page *page = page_of(x->e);
    nn_generate *rows = ARENA_ARRAY(x->e->arena, nn_generate, page->generates.n + 1);
    for (int i = 0; i < page->generates.n; i++) rows[i] = generate_row(x, page->generates.v[i]);
    x->t->generates = rows, x->t->n_generates = page->generates.n;
}
void table_fill(Eval *e) {
    Table x = {.e = e, .t = &page_of(e)->program->table, .real = dtype_bytes(e->real), .index = {.arena = e->arena}};
    hypers_fill(&x);
    leaves_fill(&x);
    inputs_place(e, &e->init, NULL);
    sets_fill(&x);
    averages_fill(&x);
    init_fill(&x);
    trains_fill(&x);
    predicts_fill(&x);
    generates_fill(&x);
}
