/* foreign.c: what people write who come from other languages, as far as single characters and operators go: what it
** is called here. Words of other languages are in mistake.c, since they are names as long as nothing is wrong. */
#include "parser.h"
#include "grammar/nn.tab.h"
#include <stdlib.h>

typedef struct Foreign {
    const char *text;
    int kind; /* of the token to go on with; BLANK: none */
    const char *help;
} Foreign;
static const Foreign operators[] = {
    {"**", '^', "write `^` for a power"},
    {"&&", AND, "write `and`"},
    {"||", OR, "write `or`"},
    {"!", NOT, "write `not`"},
    {"===", EQ, "write `==`"},
    {"<>", NE, "write `!=`"},
    {":=", '=', "write `=`"},
    {"=>", ARROW, "write `->` before the type of a result"},
    {"...", DOTS, "write `..`, as in `0..n`; the end is not included"},
    {"++", '+', "write `x = x + 1`"},
    {"+=", '=', "write `x = x + ...`; a name may be bound again"},
    {"-=", '=', "write `x = x - ...`; a name may be bound again"},
    {"*=", '=', "write `x = x * ...`; a name may be bound again"},
    {"/=", '=', "write `x = x / ...`; a name may be bound again"},
    {"^=", '=', "write `x = x ^ ...`; a name may be bound again"},
    {"@=", '=', "write `x = x @ ...`; a name may be bound again"},
    {"%", FLOOR_DIVIDE,
     "the remainder of a by b is `a - a // b * b`; the `%` of a percentage follows its number directly"},
    {"?", OR, "write `if c { a } else { b }` where c is known when compiling, else `where(c, a, b)`"},
    {"/*", BLANK, "a comment begins with `#` and ends with its line"},
    {"*/", BLANK, "a comment begins with `#` and ends with its line"},
};
int foreign_operator(Parser *parser, Span span) {
    size_t n = span.end - span.begin;
    for (int i = 0; i < COUNT_OF(operators); i++) {
        const Foreign *f = &operators[i];
        if (strlen(f->text) != n || strncmp(f->text, span.source->text + span.begin, n) != 0) continue;
        Message *m = report(parser, E112, span, "there is no `%s` in this language", f->text);
        if (m) message_help(m, "%s", f->help);
        return f->kind;
    }
    nnc_bug("an operator of another language that has no row: %.*s", (int)n, span.source->text + span.begin);
}

static const struct {
    const char *text, *instead;
} characters[] = {
    {"\xE2\x88\x92", "-"}, {"\xE2\x80\x93", "-"}, {"\xE2\x80\x94", "-"}, {"\xC3\x97", "*"}, {"\xC2\xB7", "*"},
    {"\xE2\x8B\x85", "*"}, {"\xC3\xB7", "/"}, {"\xE2\x89\xA4", "<="}, {"\xE2\x89\xA5", ">="}, {"\xE2\x89\xA0", "!="},
    {"\xE2\x86\x92", "->"}, {"\xE2\x80\xA6", ".."}, {"\xE2\x80\x9C", "\""},
    {"\xE2\x80\x9D", "\""}, {"\xE2\x80\x98", "\""},
    {"\xE2\x80\x99", "\""}, {"\xC2\xB2", "^2"}, {"\xC2\xB3", "^3"}, {"\xE2\x88\x9E", "inf"}, {"\xCF\x80", "pi"},
    {"$", NULL}, {"\\", NULL}, {"'", "\""},
};
static u32 code_point(Span span) {
    const unsigned char *s = (const unsigned char *)span.source->text + span.begin;
    u32 n = span.end - span.begin, point = n == 1 ? s[0] : s[0] & (0xFFu >> (n + 1));
    for (u32 i = 1; i < n; i++) point = point << 6 | (s[i] & 0x3F);
    return point;
}
static bool is_invisible(u32 c) {
    return c < 0x20 || (c >= 0x7F && c <= 0xA0) || c == 0xAD || (c >= 0x2000 && c <= 0x200F) ||
           (c >= 0x2028 && c <= 0x202F) ||
           (c >= 0x205F && c <= 0x206F) || c == 0x3000 || c == 0xFEFF || (c >= 0xFFF0 && c <= 0xFFFB) || c >= 0xE0000;
}
void stray_character(Parser *parser, Span span) {
    const char *text = span.source->text + span.begin;
    int n = (int)(span.end - span.begin);
    u32 point = code_point(span);
    if (is_invisible(point)) {
        Message *m = report(parser, E102, span, "an invisible character (U+%04X) has no meaning here", point);
        if (m) message_help(m, "%s",
                            point == '\r' ? "lines end with a line feed, with or without a carriage return before it"
                                                   : "put a blank in its place");
        return;
    }
    Message *m = n == 1 ? report(parser, E102, span, "`%c` has no meaning here", *text)
                        : report(parser, E102, span, "`%.*s` (U+%04X) has no meaning here", n, text, point);
    if (!m) return;
    for (int i = 0; i < COUNT_OF(characters); i++)
        if (strlen(characters[i].text) == (size_t)n && strncmp(characters[i].text, text, (size_t)n) == 0 &&
            characters[i].instead) {
            message_help(m, "write `%s`", characters[i].instead);
            return;
        }
    if (point >= 0xC0) message_help(m, "names are made of the letters a to z and A to Z, digits and `_`");
}

void bad_number(Parser *parser, Span span) {
    const char *text = span.source->text + span.begin;
    int n = (int)(span.end - span.begin), shown = n > 40 ? 40 : n;
    int digits = (int)strspn(text, "0123456789_.");
    if (digits > n) digits = n;
    Message *m;
    if (text[0] == '.') {
        m = report(parser, E105, span, "a number needs a digit before its point");
        if (m) message_help(m, "write `0%.*s`", shown, text);
    } else if (text[n - 1] == '.') {
        m = report(parser, E105, span, "a number needs a digit after its point");
        if (m) message_help(m, "write `%.*s0`", shown, text);
    } else if (text[digits - 1] == '_' || strstr(arena_printf(parser->c->arena, "%.*s", digits, text), "__")) {
        m = report(parser, E105, span, "a `_` in a number goes between two digits");
        if (m) message_help(m, "as in `70_000`");
    } else if (text[0] == '0' && (text[1] | 32) == 'x') {
        m = report(parser, E105, span, "a number is decimal");
    } else if ((text[digits] | 32) == 'e' && n == digits + 1) {
        m = report(parser, E105, span, "the exponent of this number has no digits");
        if (m) message_help(m, "as in `1e-3`");
    } else {
        m = report(parser, E105, span, "`%.*s` is neither a number nor a name", shown, text);
        if (m) message_help(m, "write a product with its sign: `%.*s * %.*s`", digits > 40 ? 40 : digits, text,
                            n - digits > 40 ? 40 : n - digits, text + digits);
    }
}
