/* loop_print.c: loop IR as text: for people, goldens, and for finding kernels that are equal. Not read back.
**
** A line is a statement. b0 is a buffer, i0 the index of a loop, %0 a value; both are numbered as made. Literals print their bits
** exactly (reals as %.9g / %.17g, NaN with its bits). The order of every sum can be read off: see loop.h. */
#include "loop.h"
#include <math.h>

typedef struct Printer {
    Text *out;
    int depth;
} Printer;

static void indent(Printer *p) {
    for (int i = 0; i < p->depth; i++) text_add(p->out, "  ");
}
static void print_type(Text *out, LoopType type) { text_add(out, elem_name(type.elem)), text_add(out, type.lanes ? "x16" : ""); }
static void print_values(Text *out, int n, LoopValue *const *values) {
    for (int i = 0; i < n; i++) text_number(out, i ? ", %" : "%", values[i]->id);
}

static void print_affine(Text *out, const LoopAffine *a) {
    for (int i = 0; i < a->n; i++) {
        const LoopTerm *t = &a->terms[i];
        if (i) text_add(out, t->factor < 0 ? " - " : " + ");
        else if (t->factor < 0) text_add(out, "-");
        u64 size = t->factor < 0 ? -(u64)t->factor : (u64)t->factor;
        if (size != 1) text_number(out, "", size), text_add(out, "*");
        if (t->loop) text_number(out, "i", t->loop->id);
        else text_number(out, "%", t->value->id);
    }
    if (!a->n) text_printf(out, "%lld", (long long)a->constant);
    else if (a->constant) text_number(out, a->constant < 0 ? " - " : " + ", a->constant < 0 ? -(u64)a->constant : (u64)a->constant);
}
static void print_access(Text *out, const LoopAccess *access) {
    text_number(out, "b", (u64)access->buffer);
    text_add(out, "[");
    print_affine(out, &access->at);
    text_add(out, "]");
    if (access->lanes && access->stride != 1) text_printf(out, " stride %lld", (long long)access->stride);
    if (access->part) {
        text_add(out, " part ");
        print_affine(out, access->part);
    }
    if (access->mask) text_number(out, " mask %", access->mask->id);
}

static void print_literal(Text *out, const LoopValue *v) {
    if (v->type.elem == ELEM_F32) {
        u32 bits = (u32)v->bits;
        float x;
        memcpy(&x, &bits, 4);
        if (isnan(x)) text_printf(out, " nan:%08x", bits);
        else text_printf(out, " %.9g", (double)x);
    } else if (v->type.elem == ELEM_F64) {
        double x;
        memcpy(&x, &v->bits, 8);
        if (isnan(x)) text_printf(out, " nan:%016llx", (unsigned long long)v->bits);
        else text_printf(out, " %.17g", x);
    } else {
        text_printf(out, " %lld", v->type.elem == ELEM_I32 ? (long long)(i32)v->bits : (long long)v->bits);
    }
}
static void print_attributes(Text *out, const LoopValue *v) {
    if (v->op == LOP_literal) print_literal(out, v);
    if (v->op == LOP_extract || v->op == LOP_insert) text_printf(out, " lane %d", (int)v->bits);
    if (v->op == LOP_clamp) text_printf(out, " to %lld..%lld", (long long)v->low, (long long)v->high);
    if (v->op == LOP_load) text_add(out, " "), print_access(out, v->access);
    if (v->op == LOP_index) {
        text_add(out, " ");
        print_affine(out, v->affine);
        if (v->type.lanes) text_printf(out, " stride %lld", (long long)v->low);
    }
    if (v->op == LOP_shuffle) {
        text_add(out, " (");
        for (int i = 0; i < LANES; i++) text_number(out, i ? " " : "", v->pattern[i]);
        text_add(out, ")");
    }
}

/* ---- statements ---- */

static void print_block(Printer *p, const LoopBlock *block, const char *giving);

static void print_let(Printer *p, const LoopStatement *s) {
    const LoopValue *v = s->value;
    text_number(p->out, "%", v->id);
    text_add(p->out, " = ");
    text_add(p->out, lop_name(v->op));
    print_attributes(p->out, v);
    text_add(p->out, v->n_args ? " " : "");
    print_values(p->out, v->n_args, v->args);
    text_add(p->out, " : ");
    print_type(p->out, v->type);
    text_add(p->out, "\n");
}
static void print_store(Printer *p, const LoopStatement *s) {
    text_add(p->out, "store ");
    print_access(p->out, s->access);
    text_number(p->out, " = %", s->value->id);
    text_add(p->out, "\n");
}
static void print_for(Printer *p, const LoopStatement *s) {
    static const char *const KINDS[] = {"for", "parallel", "unrolled"};
    const LoopFor *loop = s->loop;
    text_printf(p->out, "%s i%u in 0..%lld", KINDS[loop->kind], loop->id, (long long)loop->extent);
    if (loop->step != 1) text_printf(p->out, " step %lld", (long long)loop->step);
    if (loop->from) text_add(p->out, " from "), print_affine(p->out, loop->from);
    if (loop->to) text_add(p->out, " to "), print_affine(p->out, loop->to);
    for (int i = 0; i < loop->n; i++) {
        text_printf(p->out, "%s%%%u: ", i ? ", " : " with ", loop->acc[i]->id);
        print_type(p->out, loop->acc[i]->type);
        text_printf(p->out, " = %%%u", loop->init[i]->id);
    }
    text_add(p->out, " {\n");
    print_block(p, &loop->body, "next");
    indent(p);
    text_add(p->out, loop->n ? "} -> " : "}");
    print_values(p->out, loop->n, loop->results);
    text_add(p->out, "\n");
}
static void print_if(Printer *p, const LoopStatement *s) {
    const LoopIf *branch = s->branch;
    text_add(p->out, "if ");
    if (branch->mask) text_printf(p->out, "%%%u", branch->mask->id);
    for (int i = 0; i < branch->n_conditions; i++) {
        text_add(p->out, i ? " and " : "");
        print_affine(p->out, &branch->conditions[i]);
        text_add(p->out, " >= 0");
    }
    text_add(p->out, " {\n");
    print_block(p, &branch->then, "give");
    indent(p);
    if (branch->otherwise.list.n || branch->n) {
        text_add(p->out, "} else {\n");
        print_block(p, &branch->otherwise, "give");
        indent(p);
    }
    text_add(p->out, branch->n ? "} -> " : "}");
    print_values(p->out, branch->n, branch->results);
    text_add(p->out, "\n");
}
static void print_call(Printer *p, const LoopStatement *s) {
    const LoopCall *call = s->call;
    text_printf(p->out, "call %s(", call->function->name);
    for (int i = 0; i < call->function->n_params; i++) {
        text_printf(p->out, "%sb%d[", i ? ", " : "", call->buffers[i].buffer);
        print_affine(p->out, &call->buffers[i].at);
        text_add(p->out, "]");
    }
    if (call->function->n_params && call->function->scalars.n) text_add(p->out, ", ");
    print_values(p->out, call->function->scalars.n, call->scalars);
    text_add(p->out, ")");
    if (call->kernel >= 0) text_printf(p->out, " kernel %lld", (long long)call->kernel);
    text_add(p->out, "\n");
}
static void print_sync(Printer *p, const LoopStatement *s) {
    (void)s;
    text_add(p->out, "sync\n");
}
static void print_exchange(Printer *p, const LoopStatement *s) {
    text_add(p->out, "exchange ");
    print_access(p->out, s->access);
    text_printf(p->out, " %lld elements\n", (long long)s->elements);
}
static void print_prefetch(Printer *p, const LoopStatement *s) {
    text_add(p->out, "prefetch ");
    print_access(p->out, s->access);
    text_printf(p->out, " %s %d\n", s->write ? "write" : "read", s->locality);
}

static void (*const PRINT[STATEMENT_COUNT])(Printer *, const LoopStatement *) = {
#define STATEMENT(name) [STATEMENT_##name] = print_##name,
#include "loop.def"
#undef STATEMENT
};
static void print_block(Printer *p, const LoopBlock *block, const char *giving) {
    p->depth++;
    for (int i = 0; i < block->list.n; i++) {
        indent(p);
        PRINT[block->list.v[i]->kind](p, block->list.v[i]);
    }
    if (block->n_values) {
        indent(p);
        text_printf(p->out, "%s ", giving);
        print_values(p->out, block->n_values, block->values);
        text_add(p->out, "\n");
    }
    p->depth--;
}

/* ---- functions ---- */

static void print_buffer(Text *out, int index, const LoopBuffer *buffer) {
    static const char *const SPACES[] = {"call", "lasting", "batch", "averages", "hypers", "in", "out", "work", "task", "constant",
                                         "local", "param"};
    text_printf(out, "  b%d: %s[%lld] %s", index, dtype_name(buffer->dtype), (long long)buffer->elements,
                SPACES[buffer->space]);
    if (buffer->space != SPACE_LOCAL) text_printf(out, " %lld", (long long)buffer->offset);
    if (buffer->align != 64) text_printf(out, " align %lld", (long long)buffer->align);
    text_add(out, buffer->writable ? " written" : "");
    text_add(out, buffer->checked ? " checked\n" : "\n");
}
void loop_print(Text *out, const LoopFunction *f) {
    Printer p = {.out = out};
    text_printf(out, "function %s(", f->name);
    for (int i = 0; i < f->scalars.n; i++) {
        text_printf(out, "%s%%%u: ", i ? ", " : "", f->scalars.v[i]->id);
        print_type(out, f->scalars.v[i]->type);
    }
    text_add(out, ") {\n");
    for (int i = 0; i < f->buffers.n; i++) print_buffer(out, i, &f->buffers.v[i]);
    print_block(&p, &f->body, "");
    text_add(out, "}\n");
}
void loop_program_print(Text *out, const LoopProgram *program) {
    for (int i = 0; i < program->constants.n; i++) {
        const LoopConstant *c = &program->constants.v[i];
        text_printf(out, "constant %d: %lld bytes", i, (long long)c->bytes);
        for (i64 j = 0; j < c->bytes && j < 64; j++) text_printf(out, "%s%02x", j % 4 ? "" : " ", ((const u8 *)c->data)[j]);
        text_add(out, c->bytes > 64 ? " ..\n" : "\n");
    }
    for (int i = 0; i < program->kernels.n; i++) loop_print(out, program->kernels.v[i]);
    for (int i = 0; i < program->entries.n; i++)
        if (program->entries.v[i]) loop_print(out, program->entries.v[i]);
}
