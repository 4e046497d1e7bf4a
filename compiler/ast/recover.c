/* recover.c: where to go on reading after a mistake, so that the next message is about the next mistake.
**
** A mistake inside a statement leaves out the statement, to its end at the level of its block. A mistake in the head of a
** block (`train`, `def`, `if`, ...) leaves out the rest of the head: the block is read. A head whose block has no `{` takes
** the lines below it that stand further right, as their writer meant them. All brackets have their match by now
** (tokens.c), so groups are stepped over at once. */
#include "parser.h"
#include "grammar/nn.tab.h"

enum { MOST_RECOVERIES = 50 }; /* a page with more is not worth more time */

void recover_stop(Parser *parser) { parser->next = parser->tokens.n - 1; }

static bool is_opener(int kind) { return kind == '(' || kind == '[' || kind == '{'; }
int token_enclosing(const Parser *parser, int at) {
    const Token *all = parser->tokens.v;
    for (int i = at - 1; i >= 0; i--) {
        if (all[i].match >= 0 && all[i].match < i) i = all[i].match;
        else if (is_opener(all[i].kind)) return i;
        else if (all[i].kind == NEWLINE) break; /* there are none in lists */
    }
    return -1;
}
/* The NEWLINE, `;`, `}` or end that ends the statement with the token `at`. */
static int statement_end(const Parser *parser, int at) {
    const Token *all = parser->tokens.v;
    for (;;) {
        int list = token_enclosing(parser, at);
        if (list < 0 || all[list].kind == '{' || all[list].match < 0) break;
        at = all[list].match + 1;
    }
    for (;; at++) {
        int kind = all[at].kind;
        if (is_opener(kind) && all[at].match > at) at = all[at].match;
        else if (kind == 0 || kind == NEWLINE || kind == ';' || kind == '}') return at;
    }
}

/* ---- heads */
static bool is_head(int kind, int head) {
    return kind == head || (head == DEF && (kind == MODEL || kind == OPTIMIZER));
}
static int head_index(const Parser *parser, int at, int head) {
    const Token *all = parser->tokens.v;
    for (int i = at - 1; i >= 0; i--) {
        if (all[i].match >= 0 && all[i].match < i) i = all[i].match;
        else if (is_head(all[i].kind, head)) return i;
    }
    return -1;
}
/* The first `{` of the head's statement that is not before `at`, or -1. */
static int head_block(const Parser *parser, int head, int at) {
    const Token *all = parser->tokens.v;
    for (int i = head + 1;; i++) {
        int kind = all[i].kind;
        if (kind == '{' && i >= at) return i;
        if (is_opener(kind) && all[i].match > i) i = all[i].match;
        else if (kind == 0 || kind == NEWLINE || kind == ';' || all[i].match >= 0) return -1;
    }
}
static int indent(const Parser *parser, int token) { return line_indent(parser, parser->tokens.v[token].begin); }

/* The closer of the lines that begin with `from` and stand further right than `head`; -1 if there are none. Where a `}`
** stands below them it is theirs, even if it was counted to a bracket around: that one then gets the one left over. */
static int layout_close(Parser *parser, int head, int from) {
    Token *all = parser->tokens.v;
    int column = indent(parser, head), end = from;
    if (indent(parser, from) <= column) return -1;
    while (all[end].kind != 0 && !(all[end].first && indent(parser, end) <= column)) end++;
    if (all[end].first && all[end].kind == STRAY_CLOSER && parser->source->text[all[end].begin] == '}') {
        all[end].kind = '}';
        return end;
    }
    if (all[end].first && all[end].kind == '}' && indent(parser, end) == column)
        for (int i = end + 1; i < parser->tokens.n; i++)
            if (all[i].kind == STRAY_CLOSER && parser->source->text[all[i].begin] == '}') {
                all[i].kind = '}';
                all[i].match = all[end].match;
                all[all[end].match].match = i;
                return end;
            }
    if (all[end - 1].kind == NEWLINE) end--;
    token_insert(parser, end, '}');
    return end;
}
static void recover_head(Parser *parser, int head, int at) {
    int block = head_block(parser, head, at), line = at;
    if (block >= 0) {
        if (block > at) parser->next = block;
        return;
    }
    while (parser->tokens.v[line].kind != 0 && !parser->tokens.v[line].first) line++;
    if (parser->tokens.v[line].kind == '{') {
        parser->next = line;
        return;
    }
    int close = parser->tokens.v[line].kind ? layout_close(parser, head, line) : -1;
    if (close < 0) {
        line = close = statement_end(parser, at);
        token_insert(parser, close, '}');
    }
    token_insert(parser, line, '{');
    parser->tokens.v[line].match = close + 1;
    parser->tokens.v[close + 1].match = line;
    parser->next = line;
}

void recover(Parser *parser, int head) {
    int at = parser->next - 1;
    if (parser->error_lines.n >= AST_MOST_ERRORS || parser->recoveries++ >= MOST_RECOVERIES) {
        recover_stop(parser);
        return;
    }
    int keyword = head ? head_index(parser, at, head) : -1;
    if (keyword >= 0) {
        recover_head(parser, keyword, at);
        return;
    }
    int end = statement_end(parser, at);
    if (end > at) parser->next = end;
}
