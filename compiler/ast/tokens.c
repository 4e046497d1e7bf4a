/* tokens.c: all tokens of a page: which newlines end a statement, which brackets belong together, what is put in where a
** bracket is missing.
**
** The newline rule: a newline counts unless the innermost open bracket is `(` or `[`, the line ends in an operator or a
** comma, or the next line begins with an operator (also `=`), `else` or `by`. Where brackets are not closed, the layout
** says where they were meant to be: a line that cannot go on with the list ends it; a declaration that no block can have
** ends all.
** Only a page that has a `}` too few is read a second time, `strict`ly: then a `}` or a function further left than the line
** of an open `{` shows that this one lacks its `}`. */
#include "parser.h"
#include "grammar/nn.tab.h"
#include "grammar/nn.lex.h"
#include <stdio.h>
#include <stdlib.h>

typedef struct Reader {
    Parser *parser;
    VEC(int) open; /* indices of the brackets that are open, innermost last */
    u32 at;        /* the byte that is read next */
    u32 skip;      /* tokens before this byte are left out: a comment of another language */
    bool first;    /* the next token is the first of its line */
    bool strict, lacks_brace, no_comment_ends;
} Reader;

/* ---- what the scanner needs */
void *scanner_alloc(void *old, size_t bytes) {
    void *p = realloc(old, bytes ? bytes : 1);
    if (!p) scanner_failed("out of memory");
    return p;
}
void scanner_free(void *old) { free(old); }
void scanner_failed(const char *text) {
    fprintf(stderr, "nnc: %s\n", text);
    exit(6);
}

/* ---- places */
u32 line_begin(const Parser *parser, u32 at) {
    while (at > 0 && parser->source->text[at - 1] != '\n') at--;
    return at;
}
int line_indent(const Parser *parser, u32 at) {
    return (int)strspn(parser->source->text + line_begin(parser, at), " \t");
}
Span token_span(const Parser *parser, const Token *token) { return (Span){parser->source, token->begin, token->end}; }
const Token *token_next(Parser *parser) {
    return &parser->tokens.v[parser->next < parser->tokens.n - 1 ? parser->next++ : parser->tokens.n - 1];
}
void token_insert(Parser *parser, int at, int kind) {
    Tokens *all = &parser->tokens;
    Token end = all->v[all->n - 1];
    vec_push(parser->c->arena, all, end);
    for (int i = all->n - 1; i > at; i--) all->v[i] = all->v[i - 1];
    for (int i = 0; i < all->n; i++) all->v[i].match += all->v[i].match >= at;
    u32 place = at > 0 ? all->v[at - 1].end : 0;
    all->v[at] = (Token){.kind = kind, .begin = place, .end = place, .match = -1};
}

/* ---- one token */
static bool is_word_byte(char c) { return c == '_' || (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z'); }
static Token *last_token(const Reader *r) {
    return r->parser->tokens.n ? &r->parser->tokens.v[r->parser->tokens.n - 1] : NULL;
}
static int last_kind(const Reader *r) { return r->parser->tokens.n ? last_token(r)->kind : NEWLINE; }
static void push(Reader *r, int kind, u32 begin, u32 end) {
    Parser *p = r->parser;
    const char *text = p->source->text + begin;
    bool word = end > begin && is_word_byte(*text) && !(*text >= '0' && *text <= '9');
    Token t = {.kind = kind, .begin = begin, .end = end, .match = -1, .first = r->first,
               .text = word ? str_intern_n(p->c->strings, text, end - begin) : NULL};
    vec_push(p->c->arena, &p->tokens, t);
    if (end > begin) r->first = false;
}
/* What the page does not have, right behind the last token. */
static void push_empty(Reader *r, int kind) {
    u32 at = last_token(r) ? last_token(r)->end : 0;
    push(r, kind, at, at);
    last_token(r)->first = false;
}

static bool ends_operand(int kind) {
    switch (kind) {
    case NAME: case NUMBER: case PERCENT: case STRING: case TRUE: case FALSE: case NONE: case ')': case ']': case '}':
        return true;
    default: return false;
    }
}

/* ---- brackets */
static Token *innermost(const Reader *r) { return r->open.n ? &r->parser->tokens.v[r->open.v[r->open.n - 1]] : NULL; }
static bool in_list(const Reader *r) { return r->open.n && innermost(r)->kind != '{'; }
static int closer_of(int kind) { return kind == '(' ? ')' : kind == '[' ? ']' : '}'; }
/* The token pushed last closes the innermost bracket. */
static void pair(Reader *r) {
    int closer = r->parser->tokens.n - 1;
    last_token(r)->match = r->open.v[--r->open.n];
    r->parser->tokens.v[last_token(r)->match].match = closer;
}
static void close_one(Reader *r) {
    push_empty(r, closer_of(innermost(r)->kind));
    pair(r);
}
static void close_list(Reader *r) {
    Parser *p = r->parser;
    Token open = *innermost(r);
    Span place = {p->source, last_token(r)->end, last_token(r)->end};
    Message *m = report(p, E108, place, "a `%c` is missing here", closer_of(open.kind));
    if (m) message_note(m, token_span(p, &open), "this `%c` is not closed", open.kind);
    close_one(r);
}
/* Closes the lists that are open inside the innermost block. */
static void close_lists(Reader *r) {
    while (in_list(r)) close_list(r); /* one message: they lack their ends on one line */
}
/* Closes all blocks but `keep`, before `what` at `place`. */
static void close_blocks(Reader *r, int keep, Span place, const char *what) {
    Parser *p = r->parser;
    if (in_list(r)) close_lists(r);
    if (r->open.n <= keep) return;
    int shown = 0;
    Message *m = report(p, E108, place, "a `}` is missing before %s", what);
    while (r->open.n > keep) {
        Token open = *innermost(r);
        if (open.kind == '{' && m && shown++ < 3) message_note(m, token_span(p, &open), "this `{` is not closed");
        if (open.kind == '{') r->lacks_brace = true;
        close_one(r);
    }
    if (last_kind(r) != NEWLINE) push_empty(r, NEWLINE);
}
/* A block in a list belongs to a loop or a choice of that list; else the list was meant to end before it. */
static bool list_has_head(const Reader *r) {
    const Token *all = r->parser->tokens.v;
    for (int i = r->parser->tokens.n - 1; i > r->open.v[r->open.n - 1]; i--) {
        if (all[i].match >= 0 && all[i].match < i && all[i].kind != '}') i = all[i].match;
        else if (all[i].kind == IF || all[i].kind == ELSE || all[i].kind == SCAN || all[i].kind == REPEAT) return true;
    }
    return false;
}
static void read_opener(Reader *r, int kind, Span span) {
    if (kind == '{' && in_list(r) && ends_operand(last_kind(r)) && !list_has_head(r)) close_lists(r);
    push(r, kind, span.begin, span.end);
    vec_push(r->parser->c->arena, &r->open, r->parser->tokens.n - 1);
    if (r->open.n == AST_DEEPEST_BRACKETS + 1) nesting_error(r->parser, span, "open brackets", AST_DEEPEST_BRACKETS);
}
/* `strict`: as many blocks as stand further right than this `}` get theirs first. */
static void close_further_right(Reader *r, Span span) {
    int keep = r->open.n, column = line_indent(r->parser, span.begin);
    while (keep > 1 && line_indent(r->parser, r->parser->tokens.v[r->open.v[keep - 1]].begin) > column) keep--;
    if (keep < r->open.n) close_blocks(r, keep, span, "this one");
}
static void read_closer(Reader *r, int kind, Span span) {
    bool first = r->first;
    if (kind == '}' && in_list(r)) {
        int i = r->open.n;
        while (i > 0 && r->parser->tokens.v[r->open.v[i - 1]].kind != '{') i--;
        if (i > 0) close_lists(r);
    } else if (in_list(r) && closer_of(innermost(r)->kind) != kind) {
        int i = r->open.n; /* `(a[0)`: the `[` is the one without an end, if a `(` is open around it */
        while (i > 0 && r->parser->tokens.v[r->open.v[i - 1]].kind != '{' &&
               closer_of(r->parser->tokens.v[r->open.v[i - 1]].kind) != kind) i--;
        if (i > 0 && r->parser->tokens.v[r->open.v[i - 1]].kind != '{') {
            Token open = *innermost(r);
            Message *m = report(r->parser, E108, span, "a `%c` is missing before this `%c`", closer_of(open.kind),
                                kind);
            if (m) message_note(m, token_span(r->parser, &open), "this `%c` is not closed", open.kind);
            while (closer_of(innermost(r)->kind) != kind) close_one(r);
        }
    }
    if (r->strict && kind == '}' && first) close_further_right(r, span);
    bool pairs = r->open.n && closer_of(innermost(r)->kind) == kind;
    push(r, pairs ? kind : STRAY_CLOSER, span.begin, span.end);
    if (pairs) pair(r);
}

/* ---- newlines */
static bool is_continued(int kind) {
    switch (kind) {
    case NEWLINE: case '{': case ';': case ',': case '=': case ':': case '+': case '-': case '*': case '/': case '^':
    case '@': case '<': case '>': case PIPE: case ARROW: case DOTS: case EQ: case NE: case LE: case GE:
    case FLOOR_DIVIDE: case AND: case OR: case NOT: case IN: case BY: case ON:
        return true;
    default: return false;
    }
}
static bool begins_with(const char *text, const char *word) {
    size_t n = strlen(word);
    return strncmp(text, word, n) == 0 && !(is_word_byte(word[0]) && is_word_byte(text[n]));
}
/* Does a line that begins with this text go on with the line before? */
static bool continues(const char *text) {
    static const char *const first[] = {"|>", "->", "=", "!=", "..", "+", "-", "*", "/", "^", "@", "<", ">", "and",
                                        "or", "else", "by"};
    for (int i = 0; i < COUNT_OF(first); i++)
        if (begins_with(text, first[i])) return true;
    return false;
}
/* In a list a new line that begins with a value, after one that ends with a value, is an error; further left than the list
** it is the next statement, and the list has lost its end. */
static bool list_has_ended(const Reader *r, const char *next) {
    if (!ends_operand(last_kind(r)) || !(is_word_byte(*next) || *next == '"')) return false;
    if (begins_with(next, "as") || begins_with(next, "in") || continues(next)) return false;
    int outermost = r->open.n - 1;
    while (outermost > 0 && r->parser->tokens.v[r->open.v[outermost - 1]].kind != '{') outermost--;
    int list = line_indent(r->parser, r->parser->tokens.v[r->open.v[outermost]].begin);
    return line_indent(r->parser, (u32)(next - r->parser->source->text)) <= list;
}
static void read_gap(Reader *r, u32 end) {
    r->first = true;
    const char *next = r->parser->source->text + end;
    if (in_list(r)) {
        if (!list_has_ended(r, next)) return;
        close_lists(r);
    }
    if (!is_continued(last_kind(r)) && !continues(next)) push_empty(r, NEWLINE);
}

/* ---- words */
static bool only_at_top(int kind) {
    return kind == IMPORT || kind == HYPER || kind == DATA || kind == TRAIN || kind == PREDICT || kind == GENERATE;
}
static bool begins_statement(int kind) {
    return only_at_top(kind) || kind == MINIMIZE || kind == REPORT || kind == PARAM || kind == STATE || kind == CARRY ||
           kind == DEF || kind == MODEL || kind == OPTIMIZER;
}
static bool is_left_of_block(const Reader *r, Span span) {
    return r->open.n && line_indent(r->parser, span.begin) <= line_indent(r->parser, innermost(r)->begin);
}
static void read_keyword(Reader *r, int kind, Span span) {
    const char *after = span.source->text + span.end;
    after += strspn(after, " \t");
    bool is_used = is_word_byte(*after) || *after == '"' || *after == '('; /* and not as a name, as in `data = 3` */
    if (r->first && is_used && begins_statement(kind)) {
        const char *what = arena_printf(r->parser->c->arena, "this `%.*s`", (int)(span.end - span.begin),
                                        span.source->text + span.begin);
        bool function = kind == DEF || kind == MODEL || kind == OPTIMIZER;
        if (in_list(r)) {
            close_lists(r);
            if (last_kind(r) != NEWLINE) push_empty(r, NEWLINE);
            r->first = true;
        }
        if (only_at_top(kind) && *after != '(') close_blocks(r, 0, span, what);
        else if (function && r->strict && is_left_of_block(r, span)) close_blocks(r, 0, span, what);
        r->first = true;
    }
    push(r, kind, span.begin, span.end);
}
/* A comment as in C that begins before `at`: to its end, or to the end of the line if it has none. */
static void skip_comment(Reader *r, u32 at) {
    const char *text = r->parser->source->text;
    u32 end = at;
    if (!r->no_comment_ends)
        while (text[end] && !(text[end] == '*' && text[end + 1] == '/')) end++;
    if (r->no_comment_ends || !text[end]) {
        r->no_comment_ends = true; /* nor do later ones: the page is searched once */
        r->skip = at + (u32)strcspn(text + at, "\r\n");
    } else {
        r->skip = end + 2;
    }
}
static void read_one(Reader *r, int kind, Span span) {
    Parser *p = r->parser;
    switch (kind) {
    case BLANK: return;
    case GAP: read_gap(r, span.end); return;
    case '(': case '[': case '{': read_opener(r, kind, span); return;
    case ')': case ']': case '}': read_closer(r, kind, span); return;
    case STRAY: stray_character(p, span); return;
    case BAD_NUMBER: bad_number(p, span); kind = NUMBER; break;
    case OPEN_STRING: {
        Message *m = report(p, E103, span, "this string is not closed on its line");
        if (m) message_help(m, "close it with `\"`; a line break in a string is written \\n");
        kind = STRING;
        break;
    }
    case QUOTED: {
        Message *m = report(p, E103, span, "a string is written with double quotes");
        if (m) message_help(m, "write \"%.*s\"", (int)(span.end - span.begin - 2), span.source->text + span.begin + 1);
        kind = STRING;
        break;
    }
    case FOREIGN: {
        const char *text = span.source->text + span.begin;
        kind = foreign_operator(p, span);
        if (text[0] == '/' && text[1] == '*') skip_comment(r, span.end);
        if (kind == BLANK) return;
        break;
    }
    case BY:
        if (in_list(r) && ends_operand(last_kind(r))) close_lists(r);
        break;
    case '=':
        if (in_list(r) && innermost(r)->kind == '[') close_list(r);
        break;
    default: break;
    }
    if (begins_statement(kind)) read_keyword(r, kind, span);
    else push(r, kind, span.begin, span.end);
}

static bool read_all(Parser *parser, bool strict) {
    Reader r = {.parser = parser, .first = true, .strict = strict};
    const Source *source = parser->source;
    yyscan_t scanner;
    parser->tokens.n = 0;
    if (nn_scan_lex_init(&scanner) != 0) scanner_failed("out of memory");
    nn_scan__scan_bytes(source->text, (int)source->length, scanner);
    for (int kind; (kind = nn_scan_lex(scanner)) != 0;) {
        Span span = {source, r.at, r.at + (u32)nn_scan_get_leng(scanner)};
        r.at = span.end;
        if (span.begin >= r.skip) read_one(&r, kind, span);
        if (r.open.n > AST_DEEPEST_BRACKETS) break;
    }
    nn_scan_lex_destroy(scanner);
    u32 last = last_token(&r) ? last_token(&r)->end : 0;
    if (r.open.n > AST_DEEPEST_BRACKETS) parser->tokens.n = r.open.n = 0;
    else close_blocks(&r, 0, (Span){source, last, last}, "the end of the page");
    if (last_kind(&r) != NEWLINE) push_empty(&r, NEWLINE);
    push_empty(&r, 0);
    return r.lacks_brace;
}
void tokens_read(Parser *parser) {
    int mark = diag_mark(parser->c->diag);
    if (!read_all(parser, false)) return;
    diag_rewind(parser->c->diag, mark);
    parser->errors = parser->error_lines.n = 0;
    read_all(parser, true);
}
