/* mistake.c: what to say where a token does not fit: a table of the mistakes that are worth a sentence of their own, tried
** in order, and a general sentence after them. words.c has those that come with words of other languages.
**
** A rule sees the token that does not fit (`bad`), the one before it, and the names of all tokens that would fit (found by
** trying them: parse.lac); it reports and says true, or leaves it to the next rule. */
#include "mistake.h"
#include "grammar/nn.tab.h"
#include <stdarg.h>
#include <stdio.h>

/* ---- reports */
bool report_wanted(const Parser *parser, u32 at) {
    if (parser->error_lines.n >= AST_MOST_ERRORS) return false;
    for (int i = 0; i < parser->error_lines.n; i++)
        if (at >= parser->error_lines.v[i].begin && at <= parser->error_lines.v[i].end) return false;
    return true;
}
Message *report(Parser *parser, DiagCode code, Span span, const char *format, ...) {
    bool wanted = report_wanted(parser, span.begin);
    parser->errors++;
    if (!wanted) return NULL;
    char text[600]; /* the words of a page are cut before they come here */
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const char *source = parser->source->text;
    u32 begin = line_begin(parser, span.begin);
    Span line = {parser->source, begin, begin + (u32)strcspn(source + begin, "\n")};
    vec_push(parser->c->arena, &parser->error_lines, line);
    return diag_report(parser->c->diag, code, span, "%s", text);
}
void nesting_error(Parser *parser, Span span, const char *what, int most) {
    Message *m = report(parser, E106, span, "too deep: at most %d %s", most, what);
    if (m) message_help(m, "give a part of it a name of its own");
    recover_stop(parser);
}

/* ---- looking around */
bool expects(const Mistake *m, const char *name) {
    for (int i = 0; i < m->n_expected; i++)
        if (strcmp(m->expected[i], name) == 0) return true;
    return false;
}
static bool expects_value(const Mistake *m) { return expects(m, "number"); }
static bool expects_operator(const Mistake *m) { return expects(m, "'+'"); }
const Token *token_near(const Mistake *m, int offset) {
    int i = m->at + offset;
    static const Token none = {.kind = NEWLINE, .match = -1};
    return i < 0 || i >= m->parser->tokens.n ? &none : &m->parser->tokens.v[i];
}
Span bad_span(const Mistake *m) { return token_span(m->parser, token_near(m, 0)); }
static Span before_span(const Mistake *m) { /* right after the token before */
    u32 end = m->at > 0 ? token_near(m, -1)->end : 0;
    return (Span){m->parser->source, end, end};
}
const char *shown(const Mistake *m, const Token *t) {
    int n = (int)(t->end - t->begin);
    switch (t->kind) {
    case 0: return "the end of the page";
    case NEWLINE: return "the end of the line";
    case STRING: return "a string";
    default:
        if (n == 0) return arena_printf(m->parser->c->arena, "`%c`", t->kind < 128 ? t->kind : '?');
        return arena_printf(m->parser->c->arena, n > 40 ? "`%.*s...`" : "`%.*s`", n > 40 ? 40 : n,
                            m->parser->source->text + t->begin);
    }
}
static bool begins_operand(int kind) {
    return kind == NAME || kind == NUMBER || kind == PERCENT || kind == STRING || kind == TRUE || kind == FALSE ||
           kind == '(' || kind == '[';
}
static bool ends_operand(int kind) {
    return kind == NAME || kind == NUMBER || kind == PERCENT || kind == STRING || kind == TRUE || kind == FALSE ||
           kind == ')' || kind == ']' || kind == '}';
}
static bool is_comparison(int kind) {
    return kind == EQ || kind == NE || kind == '<' || kind == LE || kind == '>' || kind == GE;
}
static bool is_operator(int kind) {
    return is_comparison(kind) || kind == '+' || kind == '-' || kind == '*' || kind == '/' || kind == FLOOR_DIVIDE ||
           kind == '@' || kind == '^' || kind == PIPE || kind == DOTS || kind == AND || kind == OR;
}
static bool is_keyword(const Token *t) { return t->text && t->kind != NAME; }
static int list_kind(const Mistake *m) { /* `(` or `[`, 0 outside of lists */
    int i = token_enclosing(m->parser, m->at);
    int kind = i < 0 ? 0 : m->parser->tokens.v[i].kind;
    return kind == '{' ? 0 : kind;
}
/* Does the statement with the bad token have a token of this kind before it, at its own level? */
static bool has_before(const Mistake *m, int kind) {
    const Token *all = m->parser->tokens.v;
    for (int i = m->at - 1; i >= 0 && all[i].kind != NEWLINE && all[i].kind != ';' && all[i].kind != '{'; i--) {
        if (all[i].kind == kind) return true;
        if (all[i].match >= 0 && all[i].match < i) i = all[i].match;
    }
    return false;
}
/* The kind of the first token of the statement with the bad one. */
static int statement_kind(const Mistake *m) {
    const Token *all = m->parser->tokens.v;
    int i = m->at;
    while (i > 0 && all[i - 1].kind != NEWLINE && all[i - 1].kind != ';' && all[i - 1].kind != '{')
        i = all[i - 1].match >= 0 && all[i - 1].match < i - 1 ? all[i - 1].match : i - 1;
    return all[i].kind;
}
bool at_statement_start(const Mistake *m, int offset) {
    int before = token_near(m, offset - 1)->kind;
    return before == NEWLINE || before == ';' || before == '{';
}

/* ---- the rules */
static bool stray_closer(const Mistake *m) {
    if (token_near(m, 0)->kind != STRAY_CLOSER) return false;
    report(m->parser, E109, bad_span(m), "this %s closes nothing", shown(m, token_near(m, 0)));
    return true;
}
static bool colon_for_block(const Mistake *m) {
    const Token *next = token_near(m, 1);
    if (token_near(m, 0)->kind != ':' || !expects(m, "'{'")) return false;
    if (expects(m, "->") && !next->first && next->kind != NEWLINE) return false;
    Message *r = report(m->parser, E111, bad_span(m), "a block begins with `{`, not with `:`");
    if (r) message_help(r, "write `{` here and `}` after the last line of the block");
    return true;
}
static bool arrow_missing(const Mistake *m) {
    int kind = token_near(m, 0)->kind;
    if (!expects(m, "->")) return false;
    if (kind == '[' || kind == '(' || kind == NAME || kind == ':') {
        Message *r = report(m->parser, E119, bad_span(m), "`->` is missing before the type of the result");
        if (r) message_help(r, "as in `model net(x: [64]) -> [10] { ... }`");
    } else if (kind == '=') {
        Message *r = report(m->parser, E120, bad_span(m), "the body of a function is a block");
        if (r) message_help(r, "as in `def square(x) { x^2 }`");
    } else {
        return false;
    }
    return true;
}
static bool brace_missing(const Mistake *m) {
    const Token *bad = token_near(m, 0);
    if (!expects(m, "'{'")) return false;
    if (bad->kind == NEWLINE && token_near(m, 1)->kind == '{') {
        Message *r = report(m->parser, E120, token_span(m->parser, token_near(m, 1)),
                            "the `{` of a block goes on the line of its head");
        if (r) message_note(r, before_span(m), "move it here");
        return true;
    }
    if (bad->kind != NEWLINE && bad->kind != ';' && bad->kind != '}' && !bad->first) return false;
    report(m->parser, E120, before_span(m), "the `{` of the block is missing here");
    return true;
}
static bool reserved_word(const Mistake *m) {
    const Token *bad = token_near(m, 0), *before = token_near(m, -1), *word;
    int kind = bad->kind;
    if (is_keyword(bad) && expects(m, "name") && !(bad->first && is_operator(before->kind)) && kind != ELSE) {
        int next = token_near(m, 1)->kind;
        bool as_name = next == '=' || next == ',' || next == ')' || next == ']' || next == ':' || next == '.' ||
                       next == NEWLINE || is_operator(next);
        if (!as_name && expects_value(m) && before->kind != '(' && before->kind != ',') return false;
        word = bad;
    } else if (is_keyword(before) && before->kind != TRUE && before->kind != FALSE && before->kind != ELSE &&
               (kind == '=' || kind == ':' || kind == ',' || kind == '.')) {
        word = before;
    } else {
        return false;
    }
    Message *r = report(m->parser, E110, token_span(m->parser, word), "`%s` is a reserved word", word->text);
    if (r) message_help(r, "take another name, `%s_` for example", word->text);
    return true;
}
static bool line_begins_with_operator(const Mistake *m) {
    const Token *bad = token_near(m, 0);
    if (!bad->first || !is_operator(bad->kind)) return false;
    Message *r = report(m->parser, E116, bad_span(m), "a line that begins with %s goes on with the line before it",
                        shown(m, bad));
    if (r) message_note(r, before_span(m), "it ends here");
    if (r && bad->kind == '-') message_help(r, "for a negative value on a line of its own write `(-x)`");
    return true;
}
static bool wrong_equals(const Mistake *m) {
    int kind = token_near(m, 0)->kind;
    if (kind == EQ && expects(m, "'='") && !expects_operator(m)) {
        Message *r = report(m->parser, E117, bad_span(m), "`==` compares; a value is given with `=`");
        if (r) message_help(r, "write `=`");
        return true;
    }
    if (kind == ':' && list_kind(m) == '(' && expects_operator(m)) {
        Message *r = report(m->parser, E117, bad_span(m), "an argument is given by `=`, not by `:`");
        if (r) message_help(r, "write `name=value`");
        return true;
    }
    if (kind != '=' || !ends_operand(token_near(m, -1)->kind)) return false;
    if (list_kind(m) || has_before(m, IF) || has_before(m, SCAN) || has_before(m, REPEAT)) {
        Message *r = report(m->parser, E117, bad_span(m), "`=` gives a name to a value; it does not compare");
        if (r) message_help(r, "write `==` to compare");
        return true;
    }
    if (statement_kind(m) != NAME) return false;
    Message *r = report(m->parser, E126, bad_span(m), "only a name can be bound with `=`");
    if (r) message_help(r, "values do not change; make a new one and bind a name to it");
    return true;
}
static bool equals_missing(const Mistake *m) {
    const Token *bad = token_near(m, 0);
    if (!expects(m, "'='") || expects_operator(m)) return false;
    bool is_end = bad->kind == NEWLINE || bad->kind == ';' || bad->kind == '}';
    if (!is_end && !begins_operand(bad->kind) && bad->kind != '-') return false;
    if (expects(m, "on") || expects(m, "','")) return false;
    Message *r = report(m->parser, E118, before_span(m), "`=` and a value are missing after %s",
                        shown(m, token_near(m, -1)));
    if (r && begins_operand(bad->kind)) message_help(r, "write `=` before %s", shown(m, bad));
    return true;
}
static bool only_at_top(const Mistake *m) {
    const Token *bad = token_near(m, 0);
    int kind = bad->kind, block = token_enclosing(m->parser, m->at);
    bool declares = kind == IMPORT || kind == HYPER || kind == DATA || kind == TRAIN || kind == PREDICT || kind == GENERATE;
    if (!declares || !at_statement_start(m, 0) || block < 0) return false;
    Message *r = report(m->parser, E121, bad_span(m), "`%s` belongs at the top of a page, not in a block", bad->text);
    if (r) message_note(r, token_span(m->parser, &m->parser->tokens.v[block]), "the block begins here");
    return true;
}
/* One message for a run of statements at the top: they lack one head. */
static bool statement_at_top(const Mistake *m) {
    const Token *bad = token_near(m, 0), *next = token_near(m, 1);
    if (!expects(m, "import") || !(begins_operand(bad->kind) || bad->kind == '-' || is_keyword(bad))) return false;
    if (m->parser->statements_at_top) {
        m->parser->errors++;
        return true;
    }
    m->parser->statements_at_top = true;
    Message *r = report(m->parser, E121, bad_span(m),
                        "only declarations may be at the top of a page; this is a statement");
    if (!r) return true;
    if (bad->kind == NAME && next->kind == '=' && token_near(m, 2)->kind == NUMBER && token_near(m, 3)->kind == NEWLINE)
        message_help(r, "a number for the whole page is a `hyper`: write `hyper %.40s = ...`", bad->text);
    else if (bad->kind == MINIMIZE || bad->kind == REPORT)
        message_help(r, "`%s` belongs in the block of a `train`", bad->text);
    else
        message_help(r, "declarations begin with import, hyper, data, model, def, optimizer, train, predict, generate, param");
    return true;
}
static bool comparison_chain(const Mistake *m) {
    if (!is_comparison(token_near(m, 0)->kind) || !expects_operator(m)) return false;
    Message *r = report(m->parser, E122, bad_span(m), "a comparison takes two values; this is a third");
    if (r) message_help(r, "write `a < b and b < c`");
    return true;
}
static bool pipe_target(const Mistake *m) {
    const Token *bad = token_near(m, 0), *before = token_near(m, -1);
    bool by = before->kind == BY || has_before(m, BY);
    const char *word = by ? "by" : "|>";
    if (before->kind == PIPE || before->kind == BY) {
        Span place = bad->first || bad->kind == NEWLINE ? before_span(m) : bad_span(m);
        Message *r = report(m->parser, E123, place, "after `%s` comes the name of %s", word,
                            by ? "an optimizer" : "a function");
        if (r && by) message_help(r, "as in `minimize loss by adam(1e-3)`");
        else if (r) message_help(r, "as in `x |> dense(10)`; for anything else write `f(x)`");
        return true;
    }
    bool goes_on = is_operator(bad->kind) || bad->kind == '[' || bad->kind == '.';
    if (!goes_on || bad->kind == PIPE || expects_operator(m) || !(by || has_before(m, PIPE))) return false;
    Message *r = report(m->parser, E123, bad_span(m), "after `%s` comes one call; it cannot go on with %s", word,
                        shown(m, bad));
    if (r && !by) message_help(r, "`|>` binds loosest: put parentheses around the chain, as in `(x |> f) + 1`");
    return true;
}
static bool list_ends_in_comma(const Mistake *m) {
    int kind = token_near(m, 0)->kind, before = token_near(m, -1)->kind;
    bool ends = kind == ')' || kind == ']' || kind == '{';
    bool goes_on = (kind == ON || kind == IN || kind == BY) && begins_operand(token_near(m, 1)->kind);
    if (!(ends || goes_on) || !expects(m, "name")) return false;
    bool empty = before == '[' && kind == ']';
    if (before == ',') report(m->parser, E124, before_span(m), "a list cannot end in a comma");
    if (empty) report(m->parser, E124, bad_span(m), "a list in brackets needs at least one value");
    return empty || before == ',';
}
/* `a = x +` and then `b = 3`: the second line was not meant to go on with the first. */
static bool line_ends_in_operator(const Mistake *m) {
    const Token *bad = token_near(m, 0), *name = token_near(m, -1), *before = token_near(m, -2);
    if ((bad->kind != '=' && bad->kind != ':') || name->kind != NAME || !name->first) return false;
    if (!is_operator(before->kind) && before->kind != '=' && before->kind != NOT) return false;
    Span end = {m->parser->source, before->end, before->end};
    Message *r = report(m->parser, E124, end, "a value is missing after %s", shown(m, before));
    if (r) message_note(r, token_span(m->parser, name), "a line that ends in an operator goes on here");
    return true;
}
static bool value_missing(const Mistake *m) {
    const Token *bad = token_near(m, 0), *before = token_near(m, -1);
    int kind = before->kind;
    bool asks = is_operator(kind) || kind == NOT || kind == '=' || kind == ',' || kind == '(' || kind == '[' ||
                kind == MINIMIZE || kind == REPORT || kind == IN || kind == IF || kind == REPEAT;
    if (!asks || !expects_value(m)) return false;
    report(m->parser, E124, bad->first || bad->kind == NEWLINE ? before_span(m) : bad_span(m),
           "a value is missing after %s", shown(m, before));
    return true;
}
static bool slice_with_step(const Mistake *m) {
    if (token_near(m, 0)->kind != ':' || list_kind(m) != '[' || !has_before(m, ':')) return false;
    Message *r = report(m->parser, E101, bad_span(m), "a slice has two ends and no step");
    if (r) message_help(r, "write `low:high`");
    return true;
}
static bool two_values(const Mistake *m) {
    const Token *bad = token_near(m, 0), *before = token_near(m, -1);
    bool list = list_kind(m) != 0;
    if (!begins_operand(bad->kind) || !ends_operand(before->kind)) return false;
    if (!expects_operator(m)) {
        bool setting = bad->kind == NAME && expects(m, "','") && (list || token_near(m, 1)->kind == '=');
        if (setting) report(m->parser, E125, bad_span(m), "a comma is missing between %s and %s", shown(m, before),
                            shown(m, bad));
        return setting;
    }
    Message *r = report(m->parser, E125, bad_span(m), "%s is missing between %s and %s",
                        list ? "a comma or an operator" : "an operator", shown(m, before), shown(m, bad));
    if (r && !list && before->kind == NAME && at_statement_start(m, -1))
        message_help(r, "to give %s a value write `=`", shown(m, before));
    return true;
}

/* ---- the general sentence */
/* `'='` and `on` of the grammar as the user knows them. */
static const char *token_name(const Mistake *m, const char *name) {
    size_t n = strlen(name);
    bool quoted = name[0] == '\'';
    if (strcmp(name, "name") == 0) return "a name";
    if (strcmp(name, "string") == 0) return "a string";
    if (strcmp(name, "end of line") == 0 || strcmp(name, "end of file") == 0) return "the end of the line";
    if (quoted) name++, n -= 2;
    return arena_printf(m->parser->c->arena, "`%.*s`", (int)n, name);
}
static bool is_in(const char *name, const char *const *list, int n) {
    for (int i = 0; i < n; i++)
        if (strcmp(name, list[i]) == 0) return true;
    return false;
}
/* What would fit, in few words: values and operators are named as such. */
static int expected_phrases(const Mistake *m, const char **phrases, int most) {
    static const char *const values[] = {"number", "percentage", "string", "name", "true", "false", "scan", "repeat",
                                         "if", "not", "'-'", "'('", "'['"};
    static const char *const operators[] = {"'+'", "'-'", "'*'", "'/'", "'@'", "'^'", "'.'", "'['", "'('", "'<'", "'>'",
                                            "//", "..", "==", "!=", "<=", ">=", "|>", "and", "or", "as"};
    static const char *const declarations[] = {"import", "hyper", "data", "model", "def", "optimizer", "train",
                                               "predict", "generate", "param", "state", "carry", "minimize", "report"};
    static const char *const type[] = {"name", "'['", "'('"};
    bool value = expects_value(m), operator = expects_operator(m), top = expects(m, "import");
    bool is_type = !value && expects(m, "name") && expects(m, "'['");
    int n = 0;
    if (top) phrases[n++] = "a declaration";
    else if (value) phrases[n++] = expects(m, "minimize") ? "a statement" : "a value";
    if (is_type) phrases[n++] = "a type";
    if (operator) phrases[n++] = "an operator";
    for (int i = 0; i < m->n_expected && n < most; i++) {
        const char *name = m->expected[i];
        if (value && is_in(name, values, COUNT_OF(values))) continue;
        if (operator && is_in(name, operators, COUNT_OF(operators))) continue;
        if (is_type && is_in(name, type, COUNT_OF(type))) continue;
        if (is_in(name, declarations, COUNT_OF(declarations)) && (top || value)) continue;
        phrases[n++] = token_name(m, name);
    }
    return n;
}
static bool anything_else(const Mistake *m) {
    const char *phrases[6];
    int n = expected_phrases(m, phrases, COUNT_OF(phrases));
    Text list = {.arena = m->parser->c->arena};
    for (int i = 0; i < n; i++) text_printf(&list, "%s%s", i == 0 ? "" : i == n - 1 ? " or " : ", ", phrases[i]);
    const Token *bad = token_near(m, 0), *before = token_near(m, -1);
    const char *after = "";
    if (m->at > 0 && before->kind != NEWLINE) after = arena_printf(m->parser->c->arena, " after %s", shown(m, before));
    bool at_end = bad->kind == NEWLINE || bad->kind == 0;
    Message *r = report(m->parser, E101, bad_span(m), "expected %s%s, found %s",
                        n ? text_done(&list) : "something else", after, shown(m, bad));
    int open = token_enclosing(m->parser, m->at);
    if (r && open >= 0 && (at_end || list_kind(m))) {
        const Token *bracket = &m->parser->tokens.v[open];
        message_note(r, token_span(m->parser, bracket), "inside this %s", shown(m, bracket));
    }
    return true;
}

void mistake_report(Parser *parser, const char *const *expected, int n_expected) {
    static bool (*const rules[])(const Mistake *) = {
        stray_closer, foreign_word, colon_for_block, list_ends_in_comma, reserved_word, only_at_top, statement_at_top,
        arrow_missing, brace_missing, line_begins_with_operator, pipe_target, line_ends_in_operator, wrong_equals,
        equals_missing, comparison_chain, value_missing,
        slice_with_step, two_values, anything_else,
    };
    Mistake mistake = {parser, parser->next - 1, expected, n_expected};
    for (int i = 0; i < COUNT_OF(rules); i++)
        if (rules[i](&mistake)) return;
}
