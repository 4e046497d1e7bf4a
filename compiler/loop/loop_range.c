/* loop_range.c: see loop_range.h. Sound, not complete: what it cannot prove, whoever makes loops must say more plainly.
**
** A form f is >= 0 if its least value over the box of all its variables' ranges is. Else, if g >= 0 is a fact that shares a
** variable with f in the same direction, f >= 0 follows from |g_v| * f - |f_v| * g >= 0, where that variable is gone. */
#include "loop_range.h"

void fact_add(Facts *facts, LoopAffine form) { vec_push(facts->arena, &facts->list, form); }

i64 loop_last(const LoopFor *loop) { return (loop->extent - 1) / loop->step * loop->step; }

static void term_range(const LoopTerm *term, i64 *low, i64 *high) {
    if (term->loop) {
        *low = 0;
        *high = term->loop->extent > 0 ? loop_last(term->loop) : 0;
    } else {
        *low = term->value->low;
        *high = term->value->high;
    }
}
bool affine_bounds(const LoopAffine *form, i64 *low, i64 *high) {
    *low = *high = form->constant;
    for (int i = 0; i < form->n; i++) {
        const LoopTerm *t = &form->terms[i];
        i64 from, to, a, b;
        term_range(t, &from, &to);
        if (!i64_multiply(t->factor, from, &a) || !i64_multiply(t->factor, to, &b)) return false;
        if (!i64_add(*low, a < b ? a : b, low) || !i64_add(*high, a < b ? b : a, high)) return false;
    }
    return true;
}

/* p * f - q * g, or false on overflow or too many terms. */
static bool combine(LoopAffine *result, const LoopAffine *f, i64 p, const LoopAffine *g, i64 q) {
    LoopAffine r = affine(0);
    i64 a, b;
    if (!i64_multiply(f->constant, p, &a) || !i64_multiply(g->constant, -q, &b) || !i64_add(a, b, &r.constant)) return false;
    for (int i = 0; i < f->n + g->n; i++) {
        LoopTerm t = i < f->n ? f->terms[i] : g->terms[i - f->n];
        if (!i64_multiply(t.factor, i < f->n ? p : -q, &t.factor)) return false;
        int at = 0;
        while (at < r.n && (r.terms[at].loop != t.loop || r.terms[at].value != t.value)) at++;
        if (at == r.n) {
            if (r.n == LOOP_TERMS) return false;
            r.terms[r.n++] = t;
        } else if (!i64_add(r.terms[at].factor, t.factor, &r.terms[at].factor)) {
            return false;
        }
    }
    *result = affine(r.constant);
    for (int i = 0; i < r.n; i++)
        if (r.terms[i].factor) result->terms[result->n++] = r.terms[i];
    return true;
}
static i64 magnitude(i64 x) { return x < 0 ? -x : x; }

static bool prove(const Facts *facts, const LoopAffine *form, int depth) {
    i64 low, high;
    if (affine_bounds(form, &low, &high) && low >= 0) return true;
    if (!depth) return false;
    for (int k = facts->list.n - 1; k >= 0; k--) {
        const LoopAffine *fact = &facts->list.v[k];
        for (int i = 0; i < form->n; i++)
            for (int j = 0; j < fact->n; j++) {
                const LoopTerm *f = &form->terms[i], *g = &fact->terms[j];
                if (f->loop != g->loop || f->value != g->value || (f->factor < 0) != (g->factor < 0)) continue;
                i64 p = magnitude(g->factor), q = magnitude(f->factor), d = common_divisor(p, q);
                LoopAffine rest;
                if (combine(&rest, form, p / d, fact, q / d) && prove(facts, &rest, depth - 1)) return true;
            }
    }
    return false;
}
bool never_negative(const Facts *facts, LoopAffine form) { return prove(facts, &form, 3); }
