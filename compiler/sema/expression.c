/* expression.c: expressions and statements, each kind of tree node in its turn. */
#include "call.h"
#include <math.h>

/* ---- names and literals ---- */
static Value *name_value(Eval *e, const Context *c, Scope *scope, const Ast *ast) {
    const char *name = ast->name.name.text;
    Binding *b = scope_find(scope, name);
    if (b) return binding_value(e, c, b);
    if (!strcmp(name, "training")) {
        if (!c->at_init) return value_bool(e, c->training);
        return sema_poison(e, c, E362, ast->span, "an initial value cannot depend on `training`");
    }
    if (!strcmp(name, "pi")) return value_real(e, acos(-1.0));
    if (!strcmp(name, "inf")) return value_real(e, INFINITY);
    const Builtin *builtin = builtin_find(e, name);
    if (!builtin) return unknown_name(e, c, scope, ast->name.name, NAME_ANY);
    Function *f = ARENA_NEW(e->arena, Function);
    *f = (Function){.what = FUNCTION_DEF, .name = builtin->name, .builtin = builtin};
    return value_function(e, f);
}
static Value *number_value(Eval *e, const Ast *ast) {
    return ast->number.is_integer ? value_int(e, ast->number.integer) : value_real(e, ast->number.value);
}
static Value *range_value(Eval *e, const Context *c, Scope *scope, const Ast *ast) {
    i64 low, high;
    const Ast *ends[] = {ast->range.low, ast->range.high};
    i64 *to[] = {&low, &high};
    for (int i = 0; i < 2; i++) {
        Value *v = eval_expression(e, c, scope, ends[i]);
        if (value_is_poison(v) || !need_int(e, c, v, ends[i]->span, "an end of a range", to[i])) return value_poison(e);
    }
    if (low == OPEN || high == OPEN) { /* open dimensions */
        Shape shape = {.rank = 1, .dims = {OPEN}};
        return value_tensor(e, element_int(), &shape, 0, NULL);
    }
    if (high < low)
        return sema_poison(e, c, E236, ast->span, "the range %lld..%lld goes down", (long long)low, (long long)high);
    return value_range(e, low, high);
}

/* ---- arrays ---- */
/* A list of numbers that are known, perhaps by hypers; NULL if one is not. */
static Value *known_array(Eval *e, int n, Value **v) {
    double *list = ARENA_ARRAY(e->arena, double, n);
    const HyperSet *hypers = NULL;
    bool ints = true, bools = true;
    for (int i = 0; i < n; i++) {
        if (!peek_number(v[i], &list[i]) || v[i]->element.kind == ELEMENT_CLASS) return NULL;
        ints &= v[i]->element.kind == ELEMENT_INT, bools &= v[i]->element.kind == ELEMENT_BOOL;
        hypers = hypers_join(e, hypers, v[i]->known->hypers);
    }
    Value *r = value_list(e, bools ? element_bool() : ints ? element_int() : element_real(), n, list);
    return known_with_hypers(e, r, hypers);
}
static Node *stacked(Eval *e, const Context *c, const Value *r, Value **v, int n, const Shape *each) {
    Node **parts = ARENA_ARRAY(e->arena, Node *, n);
    int axis = frames_count(r->frames);
    for (int i = 0; i < n; i++) {
        Node *node = value_spread(e, c, v[i], r->frames, each, r->element);
        if (!node) return NULL;
        parts[i] = ir_spread(e->graph, node, axis, 1);
    }
    return ir_concat(e->graph, n, parts, axis);
}
static Value *array_value(Eval *e, const Context *c, Scope *scope, const Ast *ast) {
    int n = ast->array.values.n;
    Value **v = ARENA_ARRAY(e->arena, Value *, n);
    const Shape **shapes = ARENA_ARRAY(e->arena, const Shape *, n);
    bool fine = true;
    for (int i = 0; i < n; i++) {
        v[i] = eval_expression(e, c, scope, ast->array.values.v[i]);
        shapes[i] = &v[i]->shape;
        if (v[i]->kind != VALUE_TENSOR && !value_is_poison(v[i]))
            sema_error(e, c, E314, ast->array.values.v[i]->span, "an array is of numbers, this is %s",
                       value_text(e, v[i]));
        fine &= v[i]->kind == VALUE_TENSOR;
    }
    if (!fine) return value_poison(e);
    Value *known = known_array(e, n, v);
    if (known && !known->known->hypers) return known;
    Shape each;
    bool ranks = true, classes = true;
    Element element = v[0]->element;
    for (int i = 1; i < n; i++) {
        ranks &= v[i]->shape.rank == v[0]->shape.rank;
        if (v[i]->element.kind != element.kind && v[i]->element.kind != ELEMENT_CLASS && element.kind != ELEMENT_CLASS)
            element = element_real();
        classes &= element_equal(v[i]->element, v[0]->element);
    }
    for (int i = 0; i < n; i++) fine &= v[i]->element.kind != ELEMENT_CLASS || classes;
    if (!ranks || !shapes_align(n, shapes, &each) || !fine) {
        Message *m = sema_error(e, c, E330, ast->span, "the parts of an array are of one type, these are not");
        for (int i = 0; i < n && i < 4; i++)
            message_note(m, ast->array.values.v[i]->span, "this is %s", value_text(e, v[i]));
        return value_poison(e);
    }
    Shape shape = {.rank = each.rank + 1, .dims = {n}};
    if (shape.rank > RANK_LIMIT) return sema_poison(e, c, E280, ast->span, "a value of more than %d axes", RANK_LIMIT);
    for (int i = 0; i < each.rank; i++) shape.dims[i + 1] = each.dims[i];
    Value *r = value_tensor(e, element, &shape, 0, NULL);
    for (int i = 0; i < n; i++) {
        r->frames |= v[i]->frames, r->coupled |= v[i]->coupled, r->averaged |= v[i]->averaged;
        r->deps = deps_join(e, r->deps, v[i]->deps);
    }
    r->node = stacked(e, c, r, v, n, &each);
    if (known) r->known = known->known; /* known if hypers are fixed: both the numbers and the node */
    return r;
}

/* ---- members ---- */
static Value *member_value(Eval *e, const Context *c, Scope *scope, const Ast *ast) {
    const Ast *of = ast->member.value;
    const char *name = ast->member.name.text;
    if (of->kind == AST_name && !strcmp(name, "params")) {
        const Function *f = scope_find_function(scope, of->name.name.text);
        if (f && f->what == FUNCTION_MODEL) {
            Model *m = model_of(e, f);
            if (!m->done) return sema_poison(e, c, E356, ast->span, "`%s.params` inside `%s` itself", f->name, f->name);
            return m->failed ? value_poison(e) : model_params(e, c, m);
        }
    }
    Value *v = eval_expression(e, c, scope, of);
    if (value_is_poison(v)) return v;
    if (v->kind != VALUE_RECORD) {
        Message *m = sema_error(e, c, E331, ast->span, "%s has no parts with names", value_text(e, v));
        if (v->kind == VALUE_FUNCTION) message_help(m, "only a model has `.params`");
        return value_poison(e);
    }
    for (int i = 0; i < v->n; i++)
        if (v->names[i] == name) return v->items[i];
    Value *part = record_part(e, v, name);
    if (part) return part;
    const char *near = str_nearest(name, v->names, v->n);
    Message *m = sema_error(e, c, E332, ast->member.name.span, "this record has no `%s`", name);
    if (near)
        message_help(m, "did you mean `%s`?", near);
    else if (v->n)
        message_help(m, "it has `%s`%s", v->names[0], v->n > 1 ? " and others" : "");
    return value_poison(e);
}

/* ---- the kinds ---- */
static Value *tuple_value(Eval *e, const Context *c, Scope *scope, const Ast *ast) {
    int n = ast->tuple.values.n;
    Value **parts = ARENA_ARRAY(e->arena, Value *, n);
    for (int i = 0; i < n; i++) parts[i] = eval_expression(e, c, scope, ast->tuple.values.v[i]);
    return value_tuple(e, n, parts);
}
static Value *binary_value(Eval *e, const Context *c, Scope *scope, const Ast *ast) {
    const Ast *l = ast->binary.left, *r = ast->binary.right;
    Value *a = eval_expression(e, c, scope, l), *b = eval_expression(e, c, scope, r);
    if (value_is_poison(a) || value_is_poison(b)) return value_poison(e);
    return operate_at(e, c, ast->span, (Operator)ast->binary.op, a, l->span, b, r->span);
}
Value *eval_expression(Eval *e, const Context *c, Scope *scope, const Ast *ast) {
    switch ((int)ast->kind) {
    case AST_number: return number_value(e, ast);
    case AST_string: return value_string(e, ast->string.text);
    case AST_boolean: return value_bool(e, ast->boolean.value);
    case AST_name: return name_value(e, c, scope, ast);
    case AST_tuple: return tuple_value(e, c, scope, ast);
    case AST_array: return array_value(e, c, scope, ast);
    case AST_range: return range_value(e, c, scope, ast);
    case AST_unary: {
        Value *v = eval_expression(e, c, scope, ast->unary.value);
        return value_is_poison(v) ? v : operate_unary(e, c, ast->span, (Operator)ast->unary.op, v);
    }
    case AST_binary: return binary_value(e, c, scope, ast);
    case AST_member: return member_value(e, c, scope, ast);
    case AST_index: return eval_index(e, c, scope, ast);
    case AST_pipe:
    case AST_call: return eval_call(e, c, scope, ast);
    case AST_scan: return scan_expression(e, c, scope, ast);
    case AST_repeat: return repeat_expression(e, c, scope, ast);
    case AST_choice: return choice_expression(e, c, scope, ast);
    default: nnc_bug("%s where an expression stands", ast_kind_name(ast->kind));
    }
}

/* ---- statements ---- */
static Value *no_value(Eval *e, const Context *c, const Ast *expression, const Value *v) {
    if (v->kind == VALUE_STRING)
        return sema_poison(e, c, E333, expression->span, "a text stands only in sources and settings, no name is bound to one");
    Message *m = sema_error(e, c, E333, expression->span, "this gives no value that a name could be bound to");
    if (expression->kind == AST_choice)
        message_help(m, "an `if` gives the last line of the block taken: give it an `else`, and both an expression at the end");
    else
        message_help(m, "a loop gives its last line, stacked over the rounds, if that is an expression; names carried "
                        "through it are used after it");
    return value_poison(e);
}
static void let_statement(Eval *e, const Context *c, Scope *scope, const Ast *ast) {
    const NameList *names = &ast->let.names;
    const Ast *expression = ast->let.value;
    Value *v;
    TypeValue type;
    if (!ast->let.type)
        v = eval_expression(e, c, scope, expression);
    else
        v = type_value(e, c, scope, ast->let.type, &type) ? typed_expression(e, c, scope, &type, expression)
                                                          : value_poison(e);
    if (v->kind == VALUE_NONE || v->kind == VALUE_STRING) v = no_value(e, c, expression, v);
    int n = v->kind == VALUE_TUPLE ? v->n : 1;
    if (v->kind == VALUE_POISON) {
        for (int i = 0; i < names->n; i++) bind(e, c, scope, names->v[i].text, v, names->v[i].span);
        return;
    }
    if (n != names->n) {
        Span span = span_join(names->v[0].span, names->v[names->n - 1].span);
        Message *m = sema_error(e, c, E334, span, "%d name%s for %d value%s", names->n, names->n == 1 ? "" : "s", n,
                                n == 1 ? "" : "s");
        message_note(m, expression->span, "this gives %s", value_text(e, v));
        for (int i = 0; i < names->n; i++) bind(e, c, scope, names->v[i].text, value_poison(e), names->v[i].span);
        return;
    }
    for (int i = 0; i < n; i++) bind(e, c, scope, names->v[i].text, n == 1 ? v : v->items[i], names->v[i].span);
}
static void function_statement(Eval *e, const Context *c, Scope *scope, const Ast *ast) {
    FunctionWhat what = (FunctionWhat)ast->function.what;
    if (what != FUNCTION_DEF) {
        bool model = what == FUNCTION_MODEL;
        Message *m = sema_error(e, c, E335, ast->function.name.span, "a%s stands at the top of a file, not in a block",
                                model ? " `model`" : "n `optimizer`");
        message_help(m, model ? "move it out of the block; a `def` may stand here, each of its calls has parameters of its own"
                              : "move it out of the block, and give it what it needs as arguments");
        if (model) what = FUNCTION_DEF; /* so that its calls here mean something */
    }
    Function *f = ARENA_NEW(e->arena, Function);
    *f = (Function){.what = what, .name = ast->function.name.text, .ast = ast, .scope = scope_capture(e, scope)};
    scope_declare_function(e, scope, f, ast->function.name.span);
}
void report_misplaced(Eval *e, const Context *c, const Ast *ast) {
    Message *m = sema_error(e, c, E336, ast->span, "a `report` stands directly in a train or predict block");
    if (c->chain)
        message_help(m, "return the value and report it in the train block");
    else
        message_help(m, "let the loop give the value as its last line, and report that after it");
}
void eval_statement(Eval *e, const Context *c, Scope *scope, const Ast *ast) {
    switch ((int)ast->kind) {
    case AST_let: let_statement(e, c, scope, ast); return;
    case AST_function: function_statement(e, c, scope, ast); return;
    case AST_lasting: lasting_statement(e, c, scope, ast); return;
    case AST_minimize: minimize_statement(e, c, scope, ast); return;
    case AST_report:
        if (c->top)
            report_statement(e, c, scope, ast);
        else
            report_misplaced(e, c, ast);
        return;
    case AST_value: eval_expression(e, c, scope, ast->value.value); return;
    default: nnc_bug("%s where a statement stands", ast_kind_name(ast->kind));
    }
}
static bool stands_alone(const Ast *expression) {
    return expression->kind == AST_scan || expression->kind == AST_repeat || expression->kind == AST_choice;
}
Value *eval_block(Eval *e, const Context *c, Scope *scope, const Ast *block) {
    const AstList *list = &block->block.statements;
    for (int i = 0; i < list->n; i++) {
        const Ast *s = list->v[i];
        if (s->kind == AST_value && i == list->n - 1) return eval_expression(e, c, scope, s->value.value);
        if (s->kind == AST_value && !stands_alone(s->value.value)) {
            Message *m = sema_error(e, c, E337, s->span, "this value is not used");
            message_help(m, "the value of a block is its last line; `name = ..` keeps one");
        }
        eval_statement(e, c, scope, s);
    }
    return value_none(e);
}
