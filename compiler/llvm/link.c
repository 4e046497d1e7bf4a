/* link.c: object files and the runtime become a trainer, by the C compiler's driver. No shell is between.
**
** Readers of data and some commands are members of libnnrt.a that nothing else of it asks for (it refers to them weakly): programs
** whose table needs them do, those with pictures also for the codecs. libnnrt.a is looked for beside nnc itself (as built), then in
** ../lib/nnc of its directory (as installed). A trainer lies at a fixed address: the pointers of its table
** need no relocations, which would be longer than the table, and be read at each start. A small "common page" lets what is written begin
** in the file right behind the code, not at the next page. */
#include "llvm.h"
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static const char *find_library(Compilation *c, const char **why) {
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n < 0) {
        *why = arena_printf(c->arena, "cannot find where nnc is: %s", strerror(errno));
        return NULL;
    }
    self[n] = 0;
    *strrchr(self, '/') = 0;
    const char *beside = arena_printf(c->arena, "%s/libnnrt.a", self);
    const char *installed = arena_printf(c->arena, "%s/../lib/nnc/libnnrt.a", self);
    if (!access(beside, R_OK)) return beside;
    if (!access(installed, R_OK)) return installed;
    *why = arena_printf(c->arena, "the runtime libnnrt.a is neither in %s nor in %s/../lib/nnc", self, self);
    return NULL;
}

/* Runs argv[0] as found on the PATH; true when it ends with 0. */
static bool run(Compilation *c, char *const *argv, const char **why) {
    pid_t pid;
    int status, error = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ);
    if (error) {
        *why = arena_printf(c->arena, "cannot run %s: %s", argv[0], strerror(error));
        return false;
    }
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR) nnc_bug("waitpid: %s", strerror(errno));
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return true;
    *why = arena_printf(c->arena, "linking with %s failed", argv[0]);
    return false;
}

/* Nothing that runs a program reads its section headers and their names: a stripped one ends where its last segment does. */
static bool drop_sections(int fd) {
    Elf64_Ehdr head;
    Elf64_Off end = sizeof head;
    if (pread(fd, &head, sizeof head, 0) != sizeof head) return false;
    for (int i = 0; i < head.e_phnum; i++) {
        Elf64_Phdr segment;
        if (pread(fd, &segment, sizeof segment, (off_t)(head.e_phoff + (Elf64_Off)i * sizeof segment)) != sizeof segment) return false;
        if (segment.p_offset + segment.p_filesz > end) end = segment.p_offset + segment.p_filesz;
    }
    head.e_shoff = 0;
    head.e_shentsize = head.e_shnum = head.e_shstrndx = 0;
    return pwrite(fd, &head, sizeof head, 0) == sizeof head && !ftruncate(fd, (off_t)end);
}
static bool shorten(Compilation *c, const char *path, const char **why) {
    int fd = open(path, O_RDWR | O_CLOEXEC);
    bool done = fd >= 0 && drop_sections(fd);
    if (!done) *why = arena_printf(c->arena, "cannot shorten %s: %s", path, strerror(errno));
    if (fd >= 0) close(fd);
    return done;
}

/* ---- what a program needs of the runtime ---- */

/* Members that nothing refers to but weakly, by the kind of a set or the reader of a column. */
static const struct Member {
    const char *word, *symbol;
} MEMBERS[] = {{"csv", "csv_read"}, {"text", "chars_read"}, {"words", "words_read"}, {"images", "images_read"},
               {"idx", "idx_read"}, {"npy", "npy_read"},    {"npz", "npz_read"}};
typedef VEC(const char *) Words;

static void ask_for(Compilation *c, Words *argv, const char *symbol) {
    vec_push(c->arena, argv, arena_printf(c->arena, "-Wl,-u,%s", symbol));
}
static bool set_has(const nn_set *set, const char *word) {
    bool has = !strcmp(set->kind, word);
    for (i64 k = 0; k < set->n_columns; k++) has |= !strcmp(set->columns[k].reader, word);
    return has;
}
static bool table_has(const nn_program *table, const char *word) {
    bool has = false;
    for (i64 i = 0; i < table->n_sets; i++) has |= set_has(&table->sets[i], word);
    return has;
}
static void ask_for_members(Compilation *c, Words *argv, const nn_program *table) {
    bool made = false, gradients = false;
    for (int i = 0; i < COUNT_OF(MEMBERS); i++)
        if (table_has(table, MEMBERS[i].word)) ask_for(c, argv, MEMBERS[i].symbol);
    for (i64 i = 0; i < table->n_sets; i++) made |= table->sets[i].n_bases > 0;
    for (i64 i = 0; i < table->n_trains; i++) gradients |= table->trains[i].n_gradient > 0;
    if (made) ask_for(c, argv, "made_open"), ask_for(c, argv, "task_draw");
    if (gradients) ask_for(c, argv, "command_gradcheck");
    if (table->n_generates) ask_for(c, argv, "command_generate");
}

bool llvm_link(Compilation *c, int n_objects, const char *const *objects, const LinkOptions *options, const char *path,
               const char **why) {
    const char *library = options->library ? options->library : find_library(c, why);
    if (!library) return false;
    Words argv = {0};
    vec_push(c->arena, &argv, options->cc ? options->cc : "cc");
    vec_push(c->arena, &argv, "-o");
    vec_push(c->arena, &argv, path);
    for (int i = 0; i < n_objects; i++) vec_push(c->arena, &argv, objects[i]);
    ask_for_members(c, &argv, options->table);
    vec_push(c->arena, &argv, library);
    static const char *const PICTURES[] = {"-lpng", "-ljpeg"};
    for (int i = 0; table_has(options->table, "images") && i < COUNT_OF(PICTURES); i++) vec_push(c->arena, &argv, PICTURES[i]);
    static const char *const REST[] = {"-no-pie", "-Wl,--gc-sections,--build-id=none", "-Wl,-z,noseparate-code,-z,norelro,-z,common-page-size=64",
                                       "-lz", "-lm", "-lpthread"};
    for (int i = 0; i < COUNT_OF(REST); i++) vec_push(c->arena, &argv, REST[i]);
#ifdef NN_SANITIZE
    vec_push(c->arena, &argv, "-fsanitize=address,undefined"); /* as the runtime beside this nnc is built */
#endif
    if (options->strip) vec_push(c->arena, &argv, "-s");
    vec_push(c->arena, &argv, NULL);
    return run(c, (char *const *)(uintptr_t)argv.v, why) && (!options->strip || shorten(c, path, why));
}
