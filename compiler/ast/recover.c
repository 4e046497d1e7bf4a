/* recover.c: where to go on reading after a mistake. */
#include "parser.h"
#include "grammar/nn.tab.h"

void recover_stop(Parser *parser) { parser->next = parser->tokens.n - 1; }
void recover(Parser *parser, int head) {
    (void)head;
    recover_stop(parser);
}
