/* file.c: the declarations of a file that are known by their text alone (functions, params at its top), and the
 * library. */
#include "eval.h"
#include "library.h"

static bool taken(Eval *e, const Scope *scope, Name name) {
    const Binding *b = scope_find_here(scope, name.text);
    if (!b) return false;
    Message *m = sema_error(e, NULL, E206, name.span, "`%s` is declared twice", name.text);
    message_note(m, b->span, "the first time here");
    return true;
}
bool file_name_free(Eval *e, const Scope *scope, Name name) { return !taken(e, scope, name); }
void file_declare(Eval *e, Scope *scope, const Ast *program) {
    for (int i = 0; i < program->program.items.n; i++) {
        const Ast *item = program->program.items.v[i];
        if (item->kind == AST_function && !taken(e, scope, item->function.name)) {
            Function *f = ARENA_NEW(e->arena, Function);
            *f = (Function){.what = (FunctionWhat)item->function.what,
                            .name = item->function.name.text,
                            .ast = item,
                            .scope = scope};
            scope_declare_function(e, scope, f, item->function.name.span);
        }
        if (item->kind != AST_lasting) continue;
        if (item->lasting.what == LASTING_PARAM) {
            if (!taken(e, scope, item->lasting.name)) declare_top_param(e, scope, item);
        } else {
            message_help(sema_error(e, NULL, E335, item->span, "a `%s` stands in a block",
                                    item->lasting.what == LASTING_STATE ? "state" : "carry"),
                         "move it into the model, train block or optimizer that changes it; a `param` may stand here");
        }
    }
}
Scope *library_scope(Eval *e) {
    if (e->library) return e->library;
    e->library = scope_new(e, NULL, false);
    for (int i = 0; i < library_count; i++) {
        const Source *source = source_of_text(e->arena, library_files[i].path, library_files[i].text, true);
        Ast *program = parse_source(e->c, source);
        nnc_check(program && !diag_errors(e->c->diag), "the library does not parse: %s", library_files[i].path);
        file_declare(e, e->library, program);
    }
    return e->library;
}
