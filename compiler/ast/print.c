/* print.c: ast_print, the page in its own language: one statement a line, four blanks a level, a block of one expression on
** the line that opens it. Parentheses stand only where reading them back would give another tree; comments are gone. */
#include "parser.h"

/* How tight a construct binds, loosest first: the levels of the grammar. */
typedef enum Level { PIPE_LEVEL, OR_LEVEL, AND_LEVEL, NOT_LEVEL, COMPARE_LEVEL, RANGE_LEVEL, SUM_LEVEL, TERM_LEVEL,
                    UNARY_LEVEL, POWER_LEVEL, POSTFIX_LEVEL } Level;

typedef struct Printer {
    Text *out;
    int indent;
} Printer;

static void print_node(Printer *p, const Ast *a);

static Level operator_level(int op) {
    switch ((Operator)op) {
    case OPERATOR_OR: return OR_LEVEL;
    case OPERATOR_AND: return AND_LEVEL;
    case OPERATOR_NOT: return NOT_LEVEL;
    case OPERATOR_EQ: case OPERATOR_NE: case OPERATOR_LT: case OPERATOR_LE: case OPERATOR_GT: case OPERATOR_GE:
        return COMPARE_LEVEL;
    case OPERATOR_ADD: case OPERATOR_SUBTRACT: return SUM_LEVEL;
    case OPERATOR_MULTIPLY: case OPERATOR_DIVIDE: case OPERATOR_FLOOR_DIVIDE: case OPERATOR_MATMUL: return TERM_LEVEL;
    case OPERATOR_NEGATE: return UNARY_LEVEL;
    case OPERATOR_POWER: return POWER_LEVEL;
    }
    nnc_bug("operator %d", op);
}
/* A comparison takes no comparison and a power no power on its left; the others are lined up from the left. */
static Level left_level(int op) {
    Level level = operator_level(op);
    return level == COMPARE_LEVEL || level == POWER_LEVEL ? level + 1 : level;
}
static Level level_of(const Ast *a) {
    switch ((int)a->kind) {
    case AST_pipe: return PIPE_LEVEL;
    case AST_binary: return operator_level(a->binary.op);
    case AST_unary: return operator_level(a->unary.op);
    case AST_range: return RANGE_LEVEL;
    default: return POSTFIX_LEVEL;
    }
}

static void add(Printer *p, const char *s) { text_add(p->out, s); }
static void print_at(Printer *p, const Ast *a, Level least) {
    bool wrap = level_of(a) < least;
    if (wrap) add(p, "(");
    print_node(p, a);
    if (wrap) add(p, ")");
}
static void print_list(Printer *p, AstList list) {
    for (int i = 0; i < list.n; i++) {
        if (i) add(p, ", ");
        print_node(p, list.v[i]);
    }
}
static void print_names(Printer *p, NameList names) {
    for (int i = 0; i < names.n; i++) {
        if (i) add(p, ", ");
        add(p, names.v[i].text);
    }
}
static void print_settings(Printer *p, AstList settings) {
    if (settings.n) add(p, ", ");
    print_list(p, settings);
}
static void print_after(Printer *p, const char *word, Name name) {
    if (name.text) text_printf(p->out, "%s%s", word, name.text);
}
static void print_quoted(Printer *p, const char *s) {
    add(p, "\"");
    for (; *s; s++) {
        if (*s == '"' || *s == '\\') text_printf(p->out, "\\%c", *s);
        else if (*s == '\n') add(p, "\\n");
        else if (*s == '\t') add(p, "\\t");
        else if (*s == '\r') add(p, "\\r");
        else text_add_n(p->out, s, 1);
    }
    add(p, "\"");
}

/* ---- statements */
static bool begins_with_minus(const Ast *a) {
    for (;;) switch ((int)a->kind) {
        case AST_unary: return a->unary.op == OPERATOR_NEGATE;
        case AST_pipe: a = a->pipe.value; break;
        case AST_range:
            if (level_of(a->range.low) < SUM_LEVEL) return false;
            a = a->range.low;
            break;
        case AST_binary:
            if (level_of(a->binary.left) < left_level(a->binary.op)) return false;
            a = a->binary.left;
            break;
        default: return false;
        }
}
static void print_line_break(Printer *p) {
    add(p, "\n");
    for (int i = 0; i < p->indent; i++) add(p, "    ");
}
static bool has_block(const Ast *a);
static void look_for_block(void *context, const Ast *child) {
    if (has_block(child)) *(bool *)context = true;
}
static bool has_block(const Ast *a) {
    bool found = a->kind == AST_block;
    if (!found) ast_children(a, look_for_block, &found);
    return found;
}
static void print_block_after(Printer *p, const Ast *block) {
    if (!block) return;
    add(p, " ");
    print_node(p, block);
}

/* ---- a function for each kind; named print_KIND, found by the table below */
#define PRINT(kind) static void print_##kind(Printer *p, const struct Ast_##kind *a)
static void print_typed(Printer *p, const char *name, const Ast *type, const Ast *value) {
    add(p, name);
    if (type) add(p, ": "), print_node(p, type);
    if (value) add(p, " = "), print_node(p, value);
}
PRINT(program) {
    for (int i = 0; i < a->items.n; i++) {
        print_node(p, a->items.v[i]);
        add(p, "\n");
    }
}
PRINT(import) { add(p, "import "), print_quoted(p, a->path.text); }
PRINT(hyper) {
    add(p, "hyper ");
    print_typed(p, a->name.text, a->type, a->value);
    if (!a->low) return;
    add(p, " in ["), print_node(p, a->low);
    add(p, ", "), print_node(p, a->high), add(p, "]");
}
PRINT(data) {
    add(p, "data ");
    print_typed(p, a->name.text, NULL, a->source);
    print_settings(p, a->settings);
    print_block_after(p, a->block);
}
PRINT(train) {
    add(p, "train ");
    print_names(p, a->models);
    print_after(p, " on ", a->data), print_after(p, " as ", a->label);
    print_settings(p, a->settings);
    print_block_after(p, a->block);
}
PRINT(predict) {
    add(p, "predict");
    print_after(p, " on ", a->data), print_after(p, " as ", a->label);
    print_settings(p, a->settings);
    print_block_after(p, a->block);
}
PRINT(generate) {
    print_after(p, "generate ", a->model);
    print_settings(p, a->settings);
}
PRINT(lasting) {
    static const char *const words[] = {"param ", "state ", "carry "};
    add(p, words[a->what]);
    print_typed(p, a->name.text, a->type, a->value);
}
PRINT(function) {
    static const char *const words[] = {"def ", "model ", "optimizer "};
    print_after(p, words[a->what], a->name);
    add(p, "("), print_list(p, a->formals), add(p, ")");
    if (a->results.n) add(p, a->results.n > 1 ? " -> (" : " -> ");
    print_list(p, a->results);
    if (a->results.n > 1) add(p, ")");
    print_block_after(p, a->block);
}
PRINT(formal) { print_typed(p, a->name.text, a->type, a->value); }
PRINT(type) {
    if (a->base.text) add(p, a->base.text);
    if (a->arguments.n) add(p, "("), print_list(p, a->arguments), add(p, ")");
    if (a->has_dims) add(p, "["), print_list(p, a->dims), add(p, "]");
}
PRINT(block) {
    AstList list = a->statements;
    if (list.n == 0) {
        add(p, "{ }");
    } else if (list.n == 1 && list.v[0]->kind == AST_value && !has_block(list.v[0])) {
        add(p, "{ ");
        print_node(p, list.v[0]);
        add(p, " }");
    } else {
        add(p, "{");
        p->indent++;
        for (int i = 0; i < list.n; i++) {
            print_line_break(p);
            bool wrap = i > 0 && list.v[i]->kind == AST_value && begins_with_minus(list.v[i]->value.value);
            if (wrap) add(p, "(");
            print_node(p, list.v[i]);
            if (wrap) add(p, ")");
        }
        p->indent--;
        print_line_break(p);
        add(p, "}");
    }
}
PRINT(setting) {
    print_after(p, "", a->name);
    add(p, "="), print_node(p, a->value);
}
PRINT(let) {
    print_names(p, a->names);
    print_typed(p, "", a->type, a->value);
}
PRINT(minimize) {
    add(p, "minimize "), print_node(p, a->objective);
    add(p, " by "), print_node(p, a->optimizer);
    if (a->on.n) add(p, " on "), print_names(p, a->on);
    print_settings(p, a->settings);
}
PRINT(report) {
    add(p, "report ");
    if (a->name.text) text_printf(p->out, "%s = ", a->name.text);
    print_node(p, a->value);
}
PRINT(value) { print_node(p, a->value); }
PRINT(pipe) {
    print_node(p, a->value);
    add(p, " |> "), print_node(p, a->call);
}
PRINT(call) {
    add(p, a->name.text);
    if (!a->bare) add(p, "("), print_list(p, a->arguments);
    if (a->theta) add(p, "; "), print_node(p, a->theta);
    if (!a->bare) add(p, ")");
    print_after(p, " as ", a->label);
}
PRINT(binary) {
    bool power = a->op == OPERATOR_POWER;
    print_at(p, a->left, left_level(a->op));
    text_printf(p->out, power ? "%s" : " %s ", operator_text[a->op]);
    print_at(p, a->right, power ? UNARY_LEVEL : operator_level(a->op) + 1);
}
PRINT(unary) {
    add(p, a->op == OPERATOR_NOT ? "not " : "-");
    print_at(p, a->value, operator_level(a->op));
}
PRINT(range) {
    print_at(p, a->low, SUM_LEVEL);
    add(p, "..");
    print_at(p, a->high, SUM_LEVEL);
}
PRINT(member) {
    bool wrap = a->value->kind == AST_number; /* `1.x` would be read as a number */
    if (wrap) add(p, "(");
    print_at(p, a->value, POSTFIX_LEVEL);
    text_printf(p->out, wrap ? ").%s" : ".%s", a->name.text);
}
PRINT(index) {
    print_at(p, a->value, POSTFIX_LEVEL);
    add(p, "["), print_list(p, a->indices), add(p, "]");
}
PRINT(slice) {
    if (a->low) print_node(p, a->low);
    add(p, ":");
    if (a->high) print_node(p, a->high);
}
PRINT(new_axis) { (void)a, add(p, "None"); }
PRINT(number) { add(p, a->text); }
PRINT(string) { print_quoted(p, a->text); }
PRINT(boolean) { add(p, a->value ? "true" : "false"); }
PRINT(name) { add(p, a->name.text); }
PRINT(tuple) { add(p, "("), print_list(p, a->values), add(p, ")"); }
PRINT(array) { add(p, "["), print_list(p, a->values), add(p, "]"); }
PRINT(scan) {
    add(p, "scan "), print_names(p, a->names);
    add(p, " in "), print_list(p, a->sequences);
    print_block_after(p, a->block);
}
PRINT(repeat) {
    add(p, "repeat ");
    if (a->name.text) text_printf(p->out, "%s in ", a->name.text);
    print_node(p, a->count);
    print_block_after(p, a->block);
}
PRINT(choice) {
    add(p, "if "), print_node(p, a->condition);
    print_block_after(p, a->then);
    if (a->otherwise) add(p, " else "), print_node(p, a->otherwise);
}
static void print_node(Printer *p, const Ast *a) {
    switch (a->kind) {
#define AST(kind, fields)                                                                                              \
    case AST_##kind: print_##kind(p, &a->kind); break;
#include "ast.def"
#undef AST
    case AST_KINDS: nnc_bug("a node without a kind");
    }
}
void ast_print(Text *out, const Ast *a) {
    Printer printer = {out, 0};
    print_node(&printer, a);
}
