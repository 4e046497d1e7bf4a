/* info.c: `info`: what a program is, without touching any file. */
#include "run.h"
#include <string.h>

static int64_t parameters(const nn_program *p, bool states) {
    int64_t n = 0;
    for (int64_t i = 0; i < p->n_leaves; i++)
        if (p->leaves[i].role == NN_PARAM || (states && p->leaves[i].role == NN_MODEL_STATE))
            n += product(p->leaves[i].n_dims, p->leaves[i].dims);
    return n;
}
static void put_json(const nn_program *p, Json *json) {
    json_open(json, NULL, '{');
    json_string(json, "event", "info");
    json_string(json, "name", p->name);
    json_string(json, "nnc", p->version);
    json_string(json, "program", p->hash);
    json_string(json, "cpu", p->cpu);
    json_string(json, "float", p->is_f64 ? "f64" : "f32");
    json_integer(json, "grains", p->grains);
    json_integer(json, "parameters", parameters(p, false));
    json_integer(json, "lasting_bytes", p->lasting);
    json_integer(json, "batch_bytes", p->batch);
    json_integer(json, "work_bytes", p->work);
    json_open(json, "leaves", '{');
    for (int64_t i = 0; i < p->n_leaves; i++) {
        json_open(json, p->leaves[i].name, '[');
        for (int64_t d = 0; d < p->leaves[i].n_dims; d++) json_integer(json, NULL, p->leaves[i].dims[d]);
        json_close(json, ']');
    }
    json_close(json, '}');
    json_open(json, "blocks", '[');
    for (int64_t t = 0; t < p->n_trains; t++) {
        const nn_train *train = &p->trains[t];
        json_open(json, NULL, '{');
        json_string(json, "name", train->name);
        json_integer(json, "batch", train->feed.rows);
        if (train->n_step) json_integer(json, "operations_a_step", train->step[train->n_step - 1].operations);
        json_close(json, '}');
    }
    json_close(json, ']');
    json_string(json, "source", p->source);
    json_close(json, '}');
}
static void put_text(const nn_program *p, Text *out) {
    static const char *const roles[] = {"parameter", "model state", "block state", "optimizer state", "carry"};
    text_format(out, "%s: made by nnc %s, %s, cpu %s, grains %lld\npage %s\n\n%s%s\n", p->name, p->version,
                p->is_f64 ? "f64" : "f32", p->cpu, (long long)p->grains, p->hash, p->source,
                *p->source && p->source[strlen(p->source) - 1] == '\n' ? "" : "\n");
    for (int64_t i = 0; i < p->n_leaves; i++) {
        const nn_leaf *leaf = &p->leaves[i];
        Text shape = {0};
        text_put(&shape, "[");
        for (int64_t d = 0; d < leaf->n_dims; d++)
            text_format(&shape, "%s%lld", d ? ", " : "", (long long)leaf->dims[d]);
        text_put(&shape, "]");
        text_format(out, "%-40s %-18s %s\n", leaf->name, shape.failed ? "" : shape.bytes, roles[leaf->role]);
        text_free(&shape);
    }
    text_format(out, "\n%lld parameters; bytes: lasting %lld, batch %lld, work %lld\n", (long long)parameters(p, false),
                (long long)p->lasting, (long long)p->batch, (long long)p->work);
    for (int64_t t = 0; t < p->n_trains; t++) {
        const nn_train *train = &p->trains[t];
        text_format(out, "block %s: batch %lld", train->name, (long long)train->feed.rows);
        if (train->n_step)
            text_format(out, ", %.4g operations a step", (double)train->step[train->n_step - 1].operations);
        text_put(out, "\n");
    }
}
Status command_info(Run *run) {
    Text out = {0};
    Json json = json_to(&out);
    if (run->console.json) {
        put_json(run->program, &json);
        console_event(&run->console, &out);
    } else {
        put_text(run->program, &out);
        if (!out.failed) console_print(&run->console, out.bytes, out.n);
    }
    text_free(&out);
    return console_check(&run->console);
}
