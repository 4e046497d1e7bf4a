/* parse.c: parse_source: reads the tokens of a page and runs the parser that Bison made over them. */
#include "parser.h"
#include "grammar/nn.tab.h"

Ast *parse_source(Compilation *c, const Source *source) {
    Parser parser = {.c = c, .source = source};
    tokens_read(&parser);
    nn_parse(&parser);
    return parser.errors ? NULL : parser.program;
}
