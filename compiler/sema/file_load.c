/* file_load.c: a page and its imports: each file once, its scope holding what it declares and what its imports show.
**
** An import shows all names that the imported file declares or has imported itself; its train, predict and generate
** blocks do not exist for the importer. The same declaration on two ways is one; two of one name are an error. */
#include "page.h"
#include <limits.h>
#include <stdlib.h>

const char *intern(const Eval *e, const char *text) { return str_intern(e->c->strings, text); }

static const char *folder_of(Eval *e, const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? arena_printf(e->arena, "%.*s", slash == path ? 1 : (int)(slash - path), path) : "";
}
static const char *joined(Eval *e, const char *folder, const char *path) {
    if (*path == '/' || !*folder) return path;
    return arena_printf(e->arena, "%s/%s", folder, path);
}
/* One name a file, however it is written. */
static const char *file_key(Eval *e, const char *path) {
    char *real = realpath(path, NULL);
    const char *key = intern(e, real ? real : path);
    free(real);
    return key;
}
static void show(Eval *e, File *to, const File *from, Span span) {
    for (int i = 0; i < from->scope->entries.n; i++) {
        Binding *b = from->scope->entries.v[i].binding, *there = b ? scope_find_here(to->scope, b->name) : NULL;
        if (!b || there == b) continue;
        if (there) {
            Message *m = sema_error(e, NULL, E206, span, "the import brings a second `%s`", b->name);
            message_note(m, there->span, "the first is declared here");
            message_note(m, b->span, "the second here");
        } else {
            scope_declare(e, to->scope, b);
        }
    }
}
static void import_failed(Eval *e) { page_of(e)->imports_failed = true; }
static void import(Eval *e, File *file, const Ast *item) {
    const char *path = joined(e, file->folder, item->import.path.text), *key = file_key(e, path), *why = NULL;
    File *there = map_get_ptr(&page_of(e)->files, key);
    if (there && there->loading) {
        sema_error(e, NULL, E441, item->import.path.span, "`%s` imports itself, by way of others or directly",
                   item->import.path.text);
        import_failed(e);
        return;
    }
    if (!there) {
        const Source *source = source_read(e->arena, path, &why);
        if (!source) {
            Message *m = sema_error(e, NULL, E440, item->import.path.span, "cannot import %s: %s", path, why);
            message_help(m, "a relative path begins in the folder of the page that it stands in");
            import_failed(e);
            return;
        }
        Ast *program = parse_source(e->c, source);
        if (!program) {
            import_failed(e);
            return;
        }
        there = file_load(e, source, program, folder_of(e, path));
    }
    show(e, file, there, item->import.path.span);
}
File *file_load(Eval *e, const Source *source, Ast *program, const char *folder) {
    File *file = ARENA_NEW(e->arena, File);
    *file = (File){.path = source->path, .folder = folder, .source = source, .program = program, .loading = true};
    file->scope = scope_new(e, library_scope(e), false);
    map_set_ptr(&page_of(e)->files, file_key(e, source->path), file);
    for (int i = 0; i < program->program.items.n; i++)
        if (program->program.items.v[i]->kind == AST_import) import(e, file, program->program.items.v[i]);
    file_declare(e, file->scope, program);
    for (int i = 0; i < program->program.items.n; i++) {
        const Ast *item = program->program.items.v[i];
        if (item->kind == AST_hyper && file_name_free(e, file->scope, item->hyper.name))
            hyper_declare(e, file->scope, item);
        if (item->kind == AST_data && file_name_free(e, file->scope, item->data.name)) data_declare(e, file, item);
    }
    file->loading = false;
    vec_push(e->arena, &page_of(e)->loaded, file);
    return file;
}
