/* mistake.c: what to say where a token does not fit. */
#include "parser.h"
#include "grammar/nn.tab.h"
#include <stdarg.h>
#include <stdio.h>

enum { MOST_ERRORS = 20 };
bool report_wanted(const Parser *parser, u32 at) {
    if (parser->error_lines.n >= MOST_ERRORS) return false;
    for (int i = 0; i < parser->error_lines.n; i++)
        if (at >= parser->error_lines.v[i].begin && at <= parser->error_lines.v[i].end) return false;
    return true;
}
Message *report(Parser *parser, DiagCode code, Span span, const char *format, ...) {
    bool wanted = report_wanted(parser, span.begin);
    parser->errors++;
    if (!wanted) return NULL;
    va_list args;
    Text text = {.arena = parser->c->arena};
    char line[512];
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    text_add(&text, line);
    const char *source = parser->source->text;
    u32 begin = line_begin(parser, span.begin);
    vec_push(parser->c->arena, &parser->error_lines, ((Span){parser->source, begin, begin + (u32)strcspn(source + begin, "\n")}));
    return diag_report(parser->c->diag, code, span, "%s", text_done(&text));
}
void nesting_error(Parser *parser, Span span) {
    report(parser, E106, span, "nested too deep");
    recover_stop(parser);
}
void mistake_report(Parser *parser, const char *const *expected, int n) {
    Token t = parser->tokens.v[parser->next - 1];
    Text list = {.arena = parser->c->arena};
    for (int i = 0; i < n; i++) text_printf(&list, " %s", expected[i]);
    report(parser, E101, token_span(parser, &t), "does not fit; expected%s", text_done(&list));
}
