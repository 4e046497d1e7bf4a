/* predict.c: `predict`: a row of results for each row of data, streaming, as CSV or one JSON object a line. */
#include "events.h"
#include "from.h"
#include "rundir.h"
#include "train.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Predict {
    const nn_predict *spec;
    const Set *set;
    Part part;
    int64_t rows;
    bool jsonl;
    bool *columns;       /* of the set: those it needs */
    const bool **wanted; /* by set, for data_open */
} Predict;

/* ---- one value */
static double output_value(const nn_output *output, const uint8_t *at, int64_t i) {
    switch (output->dtype) {
    case NN_F64: return ((const double *)(const void *)at)[i];
    case NN_F32: return (double)((const float *)(const void *)at)[i];
    case NN_I32: return ((const int32_t *)(const void *)at)[i];
    default: return at[i];
    }
}
/* The name of a class: of the page, or of the data, or NULL: its number is its name. */
static const char *class_name(const Predict *predict, const nn_output *output, double value) {
    int64_t c = (int64_t)value;
    if (output->element != NN_CLASS || c < 0) return NULL;
    if (output->like_column >= 0 && predict->set->columns && c < predict->set->columns[output->like_column].n_classes)
        return predict->set->columns[output->like_column].classes[c];
    return c < output->n_class_names ? output->class_names[c] : NULL;
}
static void put_csv_text(Text *to, const char *s) {
    if (!strpbrk(s, ",\"\n\r")) {
        text_put(to, s);
        return;
    }
    text_put(to, "\"");
    for (; *s; s++) {
        if (*s == '"') text_put(to, "\"");
        text_add(to, s, 1);
    }
    text_put(to, "\"");
}
static void put_csv(const Predict *predict, bool is_f64, int64_t row, const uint8_t *out, Text *to) {
    bool first = true;
    for (int64_t o = 0; o < predict->spec->n_outputs; o++) {
        const nn_output *output = &predict->spec->outputs[o];
        int64_t n = product(output->n_dims, output->dims);
        for (int64_t i = 0; i < n; i++, first = false) {
            double value = output_value(output, out + output->offset, row * n + i);
            const char *name = class_name(predict, output, value);
            if (!first) text_put(to, ",");
            if (name)
                put_csv_text(to, name);
            else if (output->element == NN_REAL)
                text_format(to, is_f64 ? "%.17g" : "%.9g", value);
            else
                text_format(to, "%lld", (long long)value);
        }
    }
    text_put(to, "\n");
}
static void put_header(const Predict *predict, Text *to) {
    bool first = true;
    for (int64_t o = 0; o < predict->spec->n_outputs; o++) {
        const nn_output *output = &predict->spec->outputs[o];
        int64_t n = product(output->n_dims, output->dims);
        for (int64_t i = 0; i < n; i++, first = false) {
            text_format(to, "%s%s", first ? "" : ",", output->name);
            int64_t left = n;
            for (int64_t d = 0; d < output->n_dims; d++) {
                left /= output->dims[d];
                text_format(to, "[%lld]", (long long)(i / left % output->dims[d]));
            }
        }
    }
    text_put(to, "\n");
}
static void json_nested(const Predict *predict, const nn_output *output, const char *key, int64_t axis, int64_t at,
                        const uint8_t *out, bool is_f64, Json *json) {
    if (axis == output->n_dims) {
        double value = output_value(output, out + output->offset, at);
        const char *name = class_name(predict, output, value);
        if (name)
            json_string(json, key, name);
        else if (output->element == NN_REAL)
            json_real(json, key, value, is_f64);
        else if (output->element == NN_BOOLEAN)
            json_bool(json, key, value != 0);
        else
            json_integer(json, key, (int64_t)value);
        return;
    }
    json_open(json, key, '[');
    for (int64_t i = 0; i < output->dims[axis]; i++)
        json_nested(predict, output, NULL, axis + 1, at * output->dims[axis] + i, out, is_f64, json);
    json_close(json, ']');
}
static void put_json(const Predict *predict, bool is_f64, int64_t row, const uint8_t *out, Text *to) {
    Json json = json_to(to);
    json_open(&json, NULL, '{');
    for (int64_t o = 0; o < predict->spec->n_outputs; o++)
        json_nested(predict, &predict->spec->outputs[o], predict->spec->outputs[o].name, 0, row, out, is_f64, &json);
    json_close(&json, '}');
    text_put(to, "\n");
}

/* ---- the rows */
static Status rows_print(Run *run, const Predict *predict) {
    const nn_feed *feed = &predict->spec->feed;
    nn_call *c = &run->call.call;
    Text out = {0};
    if (!predict->jsonl) put_header(predict, &out);
    c->draw_step = c->data_step = -2;
    for (int64_t at = 0; at < predict->rows; at += feed->rows) {
        int64_t valid = predict->rows - at < feed->rows ? predict->rows - at : feed->rows;
        Fill fill = {.part = predict->part,
                     .first = at,
                     .valid = valid,
                     .number = at,
                     .fresh = true,
                     .step = c->data_step,
                     .key = run->key,
                     .pool = run->pool};
        set_fill(predict->set, feed, &fill, run->batch);
        c->valid = (int32_t)valid;
        run_call(run, &predict->spec->rows, run->batch, NULL);
        for (int64_t r = 0; r < valid; r++) {
            if (predict->jsonl)
                put_json(predict, run->program->is_f64, r, run->out, &out);
            else
                put_csv(predict, run->program->is_f64, r, run->out, &out);
        }
        if (out.failed) return console_fail(&run->console, FAILED_LIMIT, "not enough memory to print rows");
        console_print(&run->console, out.bytes, out.n);
        out.n = 0;
        if (run->console.broken || (events_poll() & EVENT_STOP)) break;
    }
    if (out.n) console_print(&run->console, out.bytes, out.n);
    text_free(&out);
    if (events_poll() & EVENT_STOP) return FAILED_INTERRUPTED;
    if (run->console.broken == EPIPE) return FAILED_OUTPUT; /* whoever read had enough; nothing to complain about */
    return console_check(&run->console);
}

/* ---- the data */
/* Only the columns that the page's `predict` uses are read, so a file of --in needs no labels. */
static Status data_find(Run *run, Predict *predict) {
    const nn_program *p = run->program;
    int64_t s = predict->spec->feed.set;
    const char *in = run->options.of[OPTION_IN].text;
    bool *used = console_memory(&run->console, p->n_sets, "the data");
    predict->columns = console_memory(&run->console, p->sets[s].n_columns, "the data");
    predict->wanted = console_memory(&run->console, (int64_t)sizeof(bool *) * p->n_sets, "the data");
    const char **paths = console_memory(&run->console, (int64_t)sizeof(char *) * (run->options.n_data + 1), "the data");
    run->sets = console_memory(&run->console, (int64_t)sizeof(Set) * p->n_sets, "the data");
    if (!used || !predict->columns || !predict->wanted || !paths || !run->sets) return FAILED_LIMIT;
    used[s] = true;
    for (int64_t c = 0; c < p->sets[s].n_columns; c++) predict->columns[c] = predict->spec->feed.columns[c] >= 0;
    predict->wanted[s] = predict->columns;
    int64_t n = run->options.n_data;
    for (int64_t i = 0; i < n; i++) paths[i] = run->options.data[i];
    if (in) {
        Text path = {0};
        text_format(&path, "%s=%s", p->sets[s].name, in);
        paths[n++] = path.failed ? NULL : console_copy(&run->console, path.bytes);
        text_free(&path);
        if (!paths[n - 1]) return FAILED_LIMIT;
    }
    DataRequest request = {.n_paths = n,
                           .paths = paths,
                           .used = used,
                           .columns = predict->wanted,
                           .whole = in != NULL,
                           .classes = json_member(run->earlier, "classes")};
    return data_open(&run->console, p, &request, run->sets);
}
/* Classes that were found in the data of the run name the results, though this command does not read that column. */
static Status classes_take(Run *run, const Predict *predict) {
    for (int64_t o = 0; o < predict->spec->n_outputs; o++) {
        int64_t c = predict->spec->outputs[o].like_column;
        if (c < 0 || predict->set->columns[c].n_classes) continue;
        char key[512];
        Column *column = &predict->set->columns[c];
        snprintf(key, sizeof key, "%s/%s", predict->set->spec->name, column->spec->field);
        const JsonValue *list = json_member(json_member(run->earlier, "classes"), key);
        int64_t n = 0;
        for (const JsonValue *v = list ? list->child : NULL; v; v = v->next) n++;
        if (!(column->classes = console_memory(&run->console, (int64_t)sizeof(char *) * n, "the classes")))
            return FAILED_LIMIT;
        for (const JsonValue *v = list ? list->child : NULL; v; v = v->next)
            column->classes[column->n_classes++] = json_text(v, "");
    }
    return OK;
}
static Status rows_find(Run *run, Predict *predict) {
    const OptionValue *rows = &run->options.of[OPTION_ROWS];
    predict->set = &run->sets[predict->spec->feed.set];
    predict->part = predict->set->parts[PART_TEST].rows       ? PART_TEST
                    : predict->set->parts[PART_VALIDATE].rows ? PART_VALIDATE
                                                              : PART_TRAIN;
    predict->rows = predict->set->parts[predict->part].rows;
    if (predict->set->endless) {
        if (rows->source == FROM_DEFAULT)
            return console_fail(&run->console, FAILED_USAGE, "data \"%s\" is drawn; --rows N says how many rows",
                                predict->set->spec->name);
        predict->rows = rows->count;
    } else if (rows->source != FROM_DEFAULT && rows->count < predict->rows)
        predict->rows = rows->count;
    return OK;
}
/* The block that is named, or the only one. */
static Status block_choose(Run *run, const nn_predict **spec) {
    const nn_program *p = run->program;
    Text names = {0};
    if (!p->n_predicts) return console_fail(&run->console, FAILED_USAGE, "the page has no predict block");
    *spec = p->n_predicts == 1 ? &p->predicts[0] : NULL;
    for (int64_t i = 0; i < p->n_predicts; i++) {
        if (run->options.block && !strcmp(p->predicts[i].name, run->options.block)) *spec = &p->predicts[i];
        text_format(&names, "%s%s", i ? ", " : "", p->predicts[i].name);
    }
    Status status = OK;
    if (!*spec)
        status = console_fail(&run->console, FAILED_USAGE, "the page has %lld predict blocks: %s; name one: %s predict %s",
                              (long long)p->n_predicts, names.bytes, p->name, p->predicts[0].name);
    text_free(&names);
    return status;
}
Status command_predict(Run *run) {
    From from;
    const char *format = run->options.of[OPTION_FORMAT].text;
    Predict predict = {.jsonl = run->console.json || (format && !strcmp(format, "jsonl"))};
    if (format && strcmp(format, "csv") && strcmp(format, "jsonl"))
        return console_fail(&run->console, FAILED_USAGE, "--format must be csv or jsonl, not \"%s\"", format);
    TRY(block_choose(run, &predict.spec));
    TRY(from_find(run, &from));
    TRY(run_open_blocks(run));
    TRY(data_find(run, &predict));
    TRY(rows_find(run, &predict));
    if (predict.set->columns) TRY(classes_take(run, &predict));
    TRY(from_read(run, &from, run->program->n_trains ? &run->program->trains[run->program->n_trains - 1] : NULL));
    return rows_print(run, &predict);
}
