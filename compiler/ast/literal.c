/* literal.c: the values of numbers and strings, and the help that comments give.
**
** A number keeps its text as it is written; `70_000` is an integer, `1e3` and `2.0` are reals, `20%` is the real 0.2. */
#include "parser.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* The bytes of a literal without `_` and `%`. */
static char *plain_digits(Arena *arena, Span span) {
    char *s = arena_alloc(arena, span.end - span.begin + 1), *to = s;
    for (u32 i = span.begin; i < span.end; i++) {
        char byte = span.source->text[i];
        if (byte != '_' && byte != '%') *to++ = byte;
    }
    return s;
}
Ast *number_node(Parser *parser, Span span, bool percent) {
    Arena *arena = parser->c->arena;
    const char *written = str_intern_n(parser->c->strings, span.source->text + span.begin, span.end - span.begin);
    const char *digits = plain_digits(arena, span);
    struct Ast_number number = {.percent = percent, .text = written};
    number.is_integer = !percent && !strpbrk(digits, ".eE");
    number.value = strtod(digits, NULL);
    if (percent) number.value /= 100;
    if (number.is_integer) {
        errno = 0;
        number.integer = strtoll(digits, NULL, 10);
        if (errno == ERANGE)
            report(parser, E107, span, "`%.40s` is too large for a whole number: the largest is 9223372036854775807",
                   written);
    } else if (isinf(number.value)) {
        report(parser, E107, span, "`%.40s` is too large: the largest real is about 1.8e308", written);
    }
    return node(parser, (Ast){.kind = AST_number, .span = span, .number = number});
}

const char *string_value(Parser *parser, Span span) {
    static const char escapes[] = "nt\"\\r", values[] = "\n\t\"\\\r";
    const char *text = span.source->text;
    Text value = {.arena = parser->c->arena};
    for (u32 i = span.begin + 1; i + 1 < span.end; i++) {
        char byte = text[i];
        if (byte == '\\') {
            const char *found = strchr(escapes, text[++i]);
            if (found) byte = values[found - escapes];
            else {
                u32 end = i + 1;
                while ((text[end] & 0xC0) == 0x80) end++;
                Span place = {span.source, i - 1, end};
                Message *m = report(parser, E104, place, "`\\%.*s` is not an escape", (int)(end - i), text + i);
                if (m) message_help(m, "the escapes are \\n, \\t, \\r, \\\" and \\\\");
            }
        }
        text_add_n(&value, &byte, 1);
    }
    return str_intern(parser->c->strings, text_done(&value));
}

/* ---- help */
/* The text of a comment that begins at `hash`, without its marks and the blanks around it. */
static const char *comment_end(const char *hash, const char **begin) {
    const char *end = hash + strcspn(hash, "\r\n");
    while (hash < end && *hash == '#') hash++;
    while (hash < end && (*hash == ' ' || *hash == '\t')) hash++;
    while (end > hash && (end[-1] == ' ' || end[-1] == '\t')) end--;
    *begin = hash;
    return end;
}
static const char *comment_behind(Parser *parser, u32 at) {
    const char *s = parser->source->text + at, *begin;
    s += strspn(s, " \t");
    if (*s != '#') return NULL;
    const char *end = comment_end(s, &begin);
    return str_intern_n(parser->c->strings, begin, (size_t)(end - begin));
}
/* The lines directly above that are comments and nothing else, joined by newlines. */
static const char *comments_above(Parser *parser, u32 at) {
    const char *text = parser->source->text;
    u32 item = line_begin(parser, at), top = item;
    while (top > 0) {
        u32 above = line_begin(parser, top - 1);
        if (text[above + strspn(text + above, " \t")] != '#') break;
        top = above;
    }
    if (top == item) return NULL;
    Text help = {.arena = parser->c->arena};
    for (u32 line = top; line < item; line += (u32)strcspn(text + line, "\n") + 1) {
        const char *begin, *end = comment_end(text + line + strspn(text + line, " \t"), &begin);
        if (line > top) text_add(&help, "\n");
        text_add_n(&help, begin, (size_t)(end - begin));
    }
    return str_intern(parser->c->strings, text_done(&help));
}
Ast *item_help(Parser *parser, Ast *item) {
    if (!item) return NULL;
    parser->statements_at_top = false;
    const char *above = NULL;
    u32 at = item->span.begin;
    switch ((int)item->kind) {
    case AST_hyper:
        item->hyper.help = comment_behind(parser, item->span.end);
        if (!item->hyper.help) item->hyper.help = comments_above(parser, at);
        break;
    case AST_data: above = comments_above(parser, at); item->data.help = above; break;
    case AST_train: above = comments_above(parser, at); item->train.help = above; break;
    case AST_predict: above = comments_above(parser, at); item->predict.help = above; break;
    case AST_generate: above = comments_above(parser, at); item->generate.help = above; break;
    case AST_function: above = comments_above(parser, at); item->function.help = above; break;
    default: break;
    }
    return item;
}
