/* main.c: nnc: reads the command line and runs the pipeline as far as asked: check, compile, run, explain, look inside. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "../ir/text.h"
#include "../llvm/llvm.h"
#include "../opt/opt.h"
#include "../settle/settle.h"
#include "interpret.h"
#include "pipeline.h"
#include "summary.h"

static int fail(int code, const char *what, const char *why) {
    fprintf(stderr, "nnc: %s: %s\n", what, why);
    return code;
}
static Compilation compilation_new(const Options *o) {
    Arena *arena = arena_new("compilation");
    return (Compilation){.arena = arena,
                         .strings = strings_new(arena),
                         .diag = diag_new(arena),
                         .defines = o->defines.v,
                         .n_defines = o->defines.n,
                         .f64 = o->f64,
                         .gradients = o->gradients,
                         .grains = o->grains};
}

/* ---- explain ---- */
static int explain(const Options *o) {
    DiagCode code;
    if (!diag_code_find(o->page, &code)) return fail(2, o->page, "no such code; they stand in brackets in messages, as in error[E201]");
    printf("%s: %s\n\n%s\n", diag_code_name(code), diag_title(code), diag_page(code));
    return 0;
}

/* ---- --from-ir ---- */
static int from_ir(Compilation *c, const Options *o) {
    const char *why = NULL, *name = NULL;
    Source *source = source_read(c->arena, o->from_ir, &why);
    if (!source) return fail(1, o->from_ir, why);
    Graph *g = graph_new(c->arena);
    const Func *f = func_read(g, c->arena, source->text, &name, &why);
    if (!f) return fail(1, o->from_ir, why);
    if (o->pass) {
        f = pass_run(c, g, o->pass, f);
        if (!f) {
            fprintf(stderr, "nnc: no pass is called %s; there are:\n", o->pass);
            for (int i = 0; pass_name(i); i++) fprintf(stderr, "  %-12s %s\n", pass_name(i), pass_purpose(i));
            return 2;
        }
    }
    if ((why = func_verify(c->arena, g, f, false))) nnc_bug("%s", why);
    Text text = {.arena = c->arena};
    func_print(&text, g, f, name);
    fputs(text_done(&text), stdout);
    return 0;
}

/* ---- run ---- */
static int run(Pipeline *p) {
    const Options *o = p->options;
    const nn_program *table;
    LlvmJit *jit = NULL;
    if (!pipeline_run(p, o->interpret ? STAGE_settled : STAGE_loop)) return p->exit_code;
    if (o->interpret) {
        interpret_program(p->program);
        p->program->table.cpu = "interpreter";
        table = &p->program->table;
    } else {
        const char *why = NULL;
        LlvmOptions options = {.cpu = o->cpu, .level = o->level == 3 ? 2 : 1};
        if (!(jit = llvm_jit(&p->c, p->program, p->loops, &options, &why))) return fail(70, o->page, why);
        table = llvm_jit_table(jit);
    }
    char **argv = ARENA_ARRAY(p->c.arena, char *, o->n_rest + 2);
    argv[0] = arena_printf(p->c.arena, "nnc run %s", o->page);
    for (int i = 0; i < o->n_rest; i++) argv[i + 1] = o->rest[i];
    int code = nn_main(table, p->program, o->n_rest + 1, argv);
    if (jit) llvm_jit_free(jit);
    return code;
}

/* ---- -o ---- */
/* Written beside the output and renamed when whole, so that a failure leaves what was there. */
static int compile(Pipeline *p) {
    const char *why = NULL, *output = p->options->output;
    const char *partial = arena_printf(p->c.arena, "%s.%ld.tmp", output, (long)getpid()), *objects[MOST_PARTS];
    for (int i = 0; i < MOST_PARTS; i++) objects[i] = arena_printf(p->c.arena, "%s.%ld.%d.o", output, (long)getpid(), i);
    struct stat st;
    if (stat(output, &st) == 0 && S_ISDIR(st.st_mode)) return fail(5, output, "is a directory; -o takes the name of the program to write");
    int probe = open(objects[0], O_CREAT | O_WRONLY | O_EXCL, 0644);
    if (probe < 0) return fail(5, output, "cannot be written: the folder does not exist, or may not be written to");
    close(probe);
    p->files = objects;
    p->n_files = p->options->object ? 1 : MOST_PARTS;
    bool fine = pipeline_run(p, STAGE_obj);
    if (fine && p->options->object) {
        fine = rename(objects[0], output) == 0;
        if (!fine) p->exit_code = fail(5, output, "cannot be written");
    } else if (fine) {
        LinkOptions link = {.strip = true, .table = &p->program->table};
        fine = llvm_link(&p->c, p->n_files, objects, &link, partial, &why) && rename(partial, output) == 0;
        if (!fine) p->exit_code = fail(5, output, why ? why : "cannot be written");
    }
    for (int i = 0; i < MOST_PARTS; i++) unlink(objects[i]);
    unlink(partial);
    return fine ? 0 : p->exit_code;
}
static int emit(Pipeline *p) {
    Stage stage = pipeline_find(p->options->emit);
    if (stage == STAGE_obj) {
        if (!p->options->output) return fail(2, "--emit=obj", "needs -o FILE");
        p->files = &p->options->output;
        p->n_files = 1;
    }
    if (!pipeline_run(p, stage)) return p->exit_code;
    if (stage != STAGE_obj) pipeline_show(p, stage, stdout);
    return 0;
}
static int check(Pipeline *p) {
    if (!pipeline_run(p, p->options->summary ? STAGE_loop : STAGE_ir)) return p->exit_code;
    if (p->options->summary) summary_print(p->program, stdout);
    return 0;
}

int main(int argc, char **argv) {
    Options options;
    Arena *arena = arena_new("options");
    if (!options_parse(&options, arena, argc, argv)) return 2;
    if (options.command == COMMAND_HELP) return options_help(stdout), 0;
    if (options.command == COMMAND_VERSION) return puts("nnc " NNC_VERSION), 0;
    if (options.command == COMMAND_EXPLAIN) return explain(&options);
    Pipeline p = {.c = compilation_new(&options), .options = &options};
    if (options.from_ir) return from_ir(&p.c, &options);
    if (options.command == COMMAND_RUN) return run(&p);
    if (options.emit) return emit(&p);
    if (!options.output) return check(&p);
    int code = compile(&p);
    if (code == 0 && options.summary) summary_print(p.program, stdout);
    return code;
}
