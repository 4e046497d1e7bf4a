/* group.c: which nodes are stored and by which kernel, at level 0: every node that is not addressing has a kernel of its own.
**
** Addressing is stored only where a loop walks along it. Above level 0 see fuse.c. */
#include "planner.h"

bool is_addressing(const Node *node) {
    switch (op_loop_class(node->op)) {
    case LOOP_leaf: return true;
    case LOOP_view: return node->op != OP_concat;
    case LOOP_map:
    case LOOP_anchor:
    case LOOP_loop: return false;
    case LOOP_erased: break;
    }
    nnc_bug("%s is planned, it should have been erased", op_name(node->op));
}

bool is_placing(const Node *node) { return node->op == OP_put && node->args[1]->type->rank == node->at->batch; }
bool is_map_like(const Node *node) {
    return op_loop_class(node->op) == LOOP_map || node->op == OP_take || is_placing(node);
}

static PlanKind kind_of(const Node *node) {
    switch ((int)node->op) {
    case OP_sum:
    case OP_amax:
    case OP_dot: return PLAN_REDUCE;
    case OP_put: return PLAN_PUT;
    case OP_top: return PLAN_TOP;
    case OP_scan: return PLAN_SCAN;
    default: return PLAN_MAP;
    }
}
typedef VEC(Group *) GroupList;

static Group *group_of(Planner *p, GroupList *list, const Node *node) {
    Group *group = ARENA_NEW(p->scratch, Group);
    group->kind = kind_of(node);
    if (group->kind != PLAN_MAP) group->anchor = node;
    vec_push(p->scratch, &group->roots, node);
    vec_push(p->scratch, list, group);
    return group;
}
/* A concat is filled part by part. */
static void group_concat(Planner *p, GroupList *list, const Node *node) {
    JoinParts parts = join_parts(p, node);
    for (int i = 0; i < parts.n; i++) {
        Group *group = ARENA_NEW(p->scratch, Group);
        group->kind = PLAN_MAP;
        vec_push(p->scratch, &group->parts, parts.v[i]);
        vec_push(p->scratch, list, group);
    }
}
/* The same in every round: its broadcast adds the rounds. */
static bool is_lead(const Node *node) { return node->op == OP_broadcast && (!node->at->dims.n || node->at->dims.v[0] > 0); }

Groups group_body(Planner *p, const PlanBody *body) {
    NodeList nodes = order_walk(p->scratch, body->func->results, body->func->n_results);
    NodeMap walked = {.arena = p->scratch}; /* addressing that a loop walks along */
    for (int i = 0; i < nodes.n; i++) {
        const Node *scan = nodes.v[i];
        if (scan->op != OP_scan) continue;
        for (int k = (int)(scan->at->carry + scan->at->constants); k < scan->n_args; k++) {
            Node *x = scan->args[k];
            if (is_addressing(x) && x->op != OP_get && x->op != OP_arg && !is_lead(x)) nodemap_set(&walked, x, x);
            if (x->op == OP_arg && !plan_value(body, x)) nodemap_set(&walked, x, x);
        }
    }
    GroupList list = {0};
    for (int i = 0; i < nodes.n; i++) {
        const Node *node = nodes.v[i];
        if (node->op == OP_concat) group_concat(p, &list, node);
        else if (!is_addressing(node) || nodemap_get(&walked, node)) group_of(p, &list, node);
    }
    return (Groups){list.n, list.v};
}
