/* erase.c: marks and stops are identities that only gradients heed; after the last gradient they go. */
#include "../ir/rewrite.h"
#include "settle.h"

static Node *rule(void *context, Graph *g, Node *node, Node *const *args) {
    (void)context, (void)g;
    return node->op == OP_mark || node->op == OP_stop ? args[0] : NULL;
}
const Func *pass_erase(const Pass *pass, const Func *f) { return func_rewrite(pass->g, f, rule, NULL); }
