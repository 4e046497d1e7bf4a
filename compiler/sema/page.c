/* page.c: sema's entry: a page from its tree to a Program, in this order: files with their declarations; hypers;
** models; the data sets; train and predict blocks and generate lines, abstractly until nothing more is learnt, then with nodes; the
** table with its functions. */
#include "page.h"
#include "../../runtime/sha256.h"

static void items_declare(Eval *e, File *file) {
    const AstList *items = &file->program->program.items;
    for (int i = 0; i < items->n; i++) {
        const Ast *item = items->v[i];
        if (item->kind == AST_train) train_declare(e, file, item);
        if (item->kind == AST_predict) predict_declare(e, file, item);
        if (item->kind == AST_generate) generate_declare(e, file, item);
    }
}
/* Models, params and data of the page are checked whether they are used or not; those of its imports when used. */
static void declarations_run(Eval *e) {
    const File *file = page_of(e)->main;
    const AstList *items = &file->program->program.items;
    Context top = context_top(e);
    for (int i = 0; i < items->n; i++) {
        const Ast *item = items->v[i];
        if (item->kind == AST_function && item->function.what == FUNCTION_MODEL) {
            const Function *f = scope_find_function(file->scope, item->function.name.text);
            if (f && f->ast == item) model_of(e, f);
        }
        if (item->kind != AST_lasting || item->lasting.what != LASTING_PARAM) continue;
        Binding *b = scope_find_here(file->scope, item->lasting.name.text);
        if (b && b->resolve) binding_value(e, &top, b);
    }
}
static void sets_run(Eval *e) {
    const Page *page = page_of(e);
    for (int i = 0; i < page->declared.n; i++) {
        DataSet *set = page->declared.v[i];
        if (set->file == page->main || set->index >= 0) data_averages(e, set);
    }
}
static void all_run(Eval *e, void *context) {
    const Page *page = context;
    declarations_run(e);
    sets_run(e);
    for (int i = 0; i < page->trains.n; i++) train_run(e, page->trains.v[i]);
    for (int i = 0; i < page->predicts.n; i++) predict_run(e, page->predicts.v[i]);
    for (int i = 0; i < page->generates.n; i++) generate_run(e, page->generates.v[i]);
}
/* What the meaning of the program is made of: the text of all its files, without spaces and comments, and -D. */
static const char *program_hash(Eval *e) {
    const Page *page = page_of(e);
    char hex[65];
    Sha256 sha;
    sha256_begin(&sha);
    for (int i = 0; i < page->loaded.n; i++) {
        Text text = {.arena = e->arena};
        ast_print(&text, page->loaded.v[i]->program);
        sha256_add(&sha, text_done(&text), text.n + 1);
    }
    for (int i = 0; i < e->c->n_defines; i++) {
        const char *line = arena_printf(e->arena, "-D %s=%s", e->c->defines[i].name, e->c->defines[i].value);
        sha256_add(&sha, line, strlen(line) + 1);
    }
    sha256_end(&sha, hex);
    return intern(e, hex);
}
Program *sema_program(Compilation *c, Ast *ast, const SemaOptions *options) {
    Eval *e = eval_new(c, options);
    Page *page = ARENA_NEW(e->arena, Page);
    *page = (Page){.program = ARENA_NEW(e->arena, Program),
                   .files = {.arena = e->arena},
                   .places = {.arena = e->arena},
                   .replaced = {.arena = e->arena}};
    e->page = page, e->batch_seen = batch_watch;
    int errors = diag_errors(c->diag);
    page->main = file_load(e, ast->span.source, ast, options->folder);
    if (page->imports_failed) return NULL; /* names of theirs would all be unknown */
    hypers_check(e);
    items_declare(e, page->main);
    if (!eval_abstract(e, all_run, page) || diag_errors(c->diag) != errors) return NULL;
    if (!eval_concrete(e, all_run, page)) return NULL;
    warnings_find(e);
    page->program->graph = e->graph;
    nn_program *table = &page->program->table;
    *table = (nn_program){.abi = NN_ABI,
                          .name = options->name,
                          .version = options->version ? options->version : "",
                          .hash = program_hash(e),
                          .cpu = "",
                          .source = page->main->source->text,
                          .is_f64 = c->f64,
                          .grains = c->grains};
    table_fill(e);
    return page->program;
}
