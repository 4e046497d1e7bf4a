/* stages.c: what each row of pipeline.def does: calls a floor, prints its result, checks it. */
#include "memory.h"
#include "stages.h"
#include <errno.h>
#include <string.h>
#include "../ir/text.h"
#include "../llvm/llvm.h"
#include "../loop/plan_to_loop.h"
#include "../opt/opt.h"
#include "../sema/sema.h"
#include "../settle/settle.h"

/* ---- ast ---- */
bool run_ast(Pipeline *p) {
    const char *why = NULL;
    p->source = source_read(p->c.arena, p->options->page, &why);
    if (!p->source) {
        diag_report(p->c.diag, E601, (Span){0}, "%s: %s", p->options->page, why);
        return false;
    }
    p->page = parse_source(&p->c, p->source);
    return p->page != NULL;
}
void show_ast(Pipeline *p, FILE *out) {
    Text text = {.arena = p->c.arena};
    ast_dump(&text, p->page);
    fputs(text_done(&text), out);
}
void verify_ast(Pipeline *p) {
    Text text = {.arena = p->c.arena};
    ast_print(&text, p->page);
    Compilation again = p->c;
    again.diag = diag_new(p->c.arena);
    Ast *page = parse_source(&again, source_of_text(p->c.arena, p->source->path, text_done(&text), false));
    nnc_check(page && ast_equal(page, p->page), "the page's canonical text reads back as another tree");
}

/* ---- graphs ---- */
static const char *folder_of(Arena *arena, const char *page) {
    const char *slash = strrchr(page, '/');
    return slash ? arena_printf(arena, "%.*s", (int)(slash - page), page) : "";
}
static const char *name_of(Arena *arena, const char *page) {
    const char *slash = strrchr(page, '/'), *name = slash ? slash + 1 : page, *dot = strrchr(name, '.');
    return dot && dot != name ? arena_printf(arena, "%.*s", (int)(dot - name), name) : name;
}
bool run_ir(Pipeline *p) {
    SemaOptions options = {.folder = folder_of(p->c.arena, p->options->page),
                           .name = name_of(p->c.arena, p->options->page),
                           .version = NNC_VERSION,
                           .explain_batch = p->options->explain_batch};
    p->program = sema_program(&p->c, p->page, &options);
    return p->program != NULL;
}
static void show_graphs(Pipeline *p, FILE *out) {
    for (int i = 0; i < p->program->entries.n; i++) {
        const Entry *e = p->program->entries.v[i];
        Text text = {.arena = p->c.arena};
        func_print(&text, p->program->graph, e->func, e->name);
        fputs(text_done(&text), out);
    }
}
static void verify_graphs(Pipeline *p, bool settled) {
    for (int i = 0; i < p->program->entries.n; i++) {
        const Entry *e = p->program->entries.v[i];
        const char *why = func_verify(p->c.arena, p->program->graph, e->func, settled);
        nnc_check(!why, "%s: %s", e->name, why);
    }
}
void show_ir(Pipeline *p, FILE *out) { show_graphs(p, out); }
void verify_ir(Pipeline *p) { verify_graphs(p, false); }
bool run_settled(Pipeline *p) { return settle_program(&p->c, p->program), true; }
void show_settled(Pipeline *p, FILE *out) { show_graphs(p, out); }
void verify_settled(Pipeline *p) { verify_graphs(p, true); }
bool run_opt(Pipeline *p) {
    OptOptions options = {.level = p->options->level, .memory = -1, .bisect = p->options->bisect};
    if (p->options->memory >= 0) return memory_fit(p);
    opt_program(&p->c, p->program, &options);
    return true;
}
void show_opt(Pipeline *p, FILE *out) { show_graphs(p, out); }
void verify_opt(Pipeline *p) { verify_graphs(p, true); }

/* ---- kernels and loops ---- */
static bool machine_of(Pipeline *p, LlvmMachine *machine) {
    const char *why = NULL;
    if (llvm_machine(&p->c, p->options->cpu, machine, &why)) return true;
    diag_report(p->c.diag, E602, (Span){0}, "%s", why);
    return false;
}
bool run_plan(Pipeline *p) {
    LlvmMachine machine;
    if (!machine_of(p, &machine)) return false;
    p->program->table.cpu = machine.cpu;
    PlanOptions options = {.level = p->options->level, .vector_bits = machine.vector_bits, .registers = machine.registers};
    p->plan = plan_program(&p->c, p->program, &options);
    return true;
}
void show_plan(Pipeline *p, FILE *out) {
    Text text = {.arena = p->c.arena};
    plan_print(&text, p->plan);
    fputs(text_done(&text), out);
}
void verify_plan(Pipeline *p) {
    const char *why = plan_check(p->c.arena, p->plan);
    nnc_check(!why, "%s", why);
}
bool run_loop(Pipeline *p) {
    p->loops = plan_to_loop(&p->c, p->program, p->plan);
    return true;
}
void show_loop(Pipeline *p, FILE *out) {
    Text text = {.arena = p->c.arena};
    loop_program_print(&text, p->loops);
    fputs(text_done(&text), out);
}
void verify_loop(Pipeline *p) { loop_program_verify(p->loops); }

/* ---- machine code ---- */
static LlvmOptions llvm_options(const Pipeline *p) {
    return (LlvmOptions){.cpu = p->options->cpu, .level = p->options->level == 3 ? 2 : 1};
}
static void show_text(Pipeline *p, LlvmForm form, FILE *out) {
    const char *why = NULL;
    LlvmOptions options = llvm_options(p);
    const char *text = llvm_text(&p->c, p->program, p->loops, &options, form, &why);
    fputs(text ? text : why, out);
}
bool run_llvm(Pipeline *p) { return p->loops != NULL; }
void show_llvm(Pipeline *p, FILE *out) { show_text(p, LLVM_TEXT, out); }
void verify_llvm(Pipeline *p) { (void)p; }
bool run_asm(Pipeline *p) { return p->loops != NULL; }
void show_asm(Pipeline *p, FILE *out) { show_text(p, LLVM_ASSEMBLY, out); }
void verify_asm(Pipeline *p) { (void)p; }
bool run_obj(Pipeline *p) {
    const char *why = NULL;
    LlvmOptions options = llvm_options(p);
    p->n_files = llvm_objects(&p->c, p->program, p->loops, &options, p->n_files, p->files, &why);
    if (p->n_files) return true;
    diag_report(p->c.diag, E603, (Span){0}, "%s", why);
    p->exit_code = 5;
    return false;
}
void show_obj(Pipeline *p, FILE *out) { fprintf(out, "%s\n", p->files[0]); }
void verify_obj(Pipeline *p) { (void)p; }
