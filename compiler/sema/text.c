/* text.c: values, types and shapes as messages show them, in the language's own spelling. */
#include "eval.h"

Element element_real(void) { return (Element){.kind = ELEMENT_REAL}; }
Element element_int(void) { return (Element){.kind = ELEMENT_INT}; }
Element element_bool(void) { return (Element){.kind = ELEMENT_BOOL}; }
Element element_class(i64 classes) { return (Element){.kind = ELEMENT_CLASS, .classes = classes}; }
bool element_equal(Element a, Element b) {
    return a.kind == b.kind && (a.kind != ELEMENT_CLASS || dim_equal(a.classes, b.classes));
}
Dtype element_dtype(const Eval *e, Element element) {
    switch (element.kind) {
    case ELEMENT_REAL: return e->real;
    case ELEMENT_BOOL: return DT_bool;
    case ELEMENT_INT:
    case ELEMENT_CLASS: return DT_i32;
    default: nnc_bug("an element without a dtype");
    }
}

static void dim_add(Text *t, i64 dim) {
    if (dim == OPEN)
        text_add(t, "?");
    else
        text_printf(t, "%lld", (long long)dim);
}
static void element_add(Text *t, Element element) {
    if (element.kind == ELEMENT_INT) text_add(t, "int");
    if (element.kind == ELEMENT_BOOL) text_add(t, "bool");
    if (element.kind == ELEMENT_CLASS) text_add(t, "class("), dim_add(t, element.classes), text_add(t, ")");
}
static void shape_add(Text *t, const Shape *shape) {
    text_add(t, "[");
    for (int i = 0; i < shape->rank; i++) {
        if (i) text_add(t, ", ");
        dim_add(t, shape->dims[i]);
    }
    text_add(t, "]");
}
const char *element_text(Eval *e, Element element) {
    Text t = {.arena = e->arena};
    if (element.kind == ELEMENT_REAL) text_add(&t, "real");
    element_add(&t, element);
    return text_done(&t);
}
const char *shape_text(Eval *e, const Shape *shape) {
    Text t = {.arena = e->arena};
    shape_add(&t, shape);
    return text_done(&t);
}
const char *type_text(Eval *e, Element element, const Shape *shape) {
    Text t = {.arena = e->arena};
    element_add(&t, element);
    if (shape->rank || element.kind == ELEMENT_REAL) shape_add(&t, shape);
    return text_done(&t);
}
const char *value_text(Eval *e, const Value *v) {
    switch (v->kind) {
    case VALUE_TENSOR: return type_text(e, v->element, &v->shape);
    case VALUE_RECORD:
        return v->n ? arena_printf(e->arena, "a record of %d (%s, ..)", v->n, v->names[0]) : "an empty record";
    case VALUE_TUPLE: return arena_printf(e->arena, "%d values", v->n);
    case VALUE_FUNCTION: return arena_printf(e->arena, "the function `%s`", v->function->name);
    case VALUE_STRING: return "a text";
    case VALUE_DATA: return "a data set";
    case VALUE_NONE: return "nothing";
    case VALUE_POISON: return "an error";
    default: nnc_bug("a value without a kind");
    }
}
