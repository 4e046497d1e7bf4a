/* lower_map.c: elementwise kernels: every element of the stores by itself. Also the trial that all kinds of kernels begin with. */
#include "lower.h"

static void function_begin(Lower *w) {
    const PlanKernel *kernel = w->kernel;
    const Node *node = kernel->anchor ? kernel->anchor : kernel->stores.v[0].node;
    w->b = loop_function_begin(w->trial ? w->arena : w->program->arena,
                               arena_printf(w->program->arena, "k%lld_%s", (long long)kernel->row, op_name(node->op)));
    w->known.n = 0;
    w->newest = (Map){.arena = w->arena};
    w->constants = (NodeMap){.arena = w->arena};
    w->anchor = NULL;
    w->guard = NULL;
}
void run_trial(Lower *w, Trial *trial, void *context) {
    w->trial = true;
    do {
        w->again = false;
        w->forms.n = 0;
        axes_begin(w);
        function_begin(w);
        trial(w, context);
    } while (w->again);
    axes_group(w);
    w->trial = false;
    function_begin(w);
    for (int i = 0; i < w->params.n; i++) {
        Param *param = &w->params.v[i];
        const Type *type = param->value->type;
        param->buffer = loop_param(&w->b, type->dtype, plan_elements(param->value), param->written);
        w->b.function->buffers.v[param->buffer].align = value_align(param->value);
        if (!param->whole || plan_elements(param->value) != type->count) w->b.function->buffers.v[param->buffer].checked = false;
    }
    w->scalars = ARENA_ARRAY(w->arena, LoopValue *, w->key->scalars.n + 1);
    for (int i = 0; i < w->key->scalars.n; i++) w->scalars[i] = loop_scalar(&w->b, ELEM_I32);
}

/* ---- elementwise */

static void map_element(Lower *w, void *context) {
    (void)context;
    stores_at(w, index_of_dims(w, 0, w->dims.n));
}
void lower_map(Lower *w) {
    const Type *type = w->kernel->stores.v[0].node->type;
    for (int i = 0; i < type->rank; i++) axes_dim(w, type->dims[i], AXIS_RESULT);
    run_trial(w, map_element, NULL);
    int lanes = best_lanes(w, AXIS_RESULT);
    (nest_may_wrap(w, AXIS_RESULT, lanes) ? nest_wrapped : nest)(w, AXIS_RESULT, lanes, w->kernel->parallel, map_element, NULL);
}
