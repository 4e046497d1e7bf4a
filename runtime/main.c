/* main.c: opens a run, hands it to its command, closes it: exit codes are those of status.h. */
#include "run.h"
#include "cpu.h"
#include "events.h"
#include "rundir.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Descriptors 0 to 2 must be open, or a file of the run would become the standard output. */
static void standard_files(const Io *io) {
    for (int fd = io->open("/dev/null", O_RDWR, 0); fd >= 0; fd = io->open("/dev/null", O_RDWR, 0))
        if (fd > 2) {
            io->close(fd);
            return;
        }
}
/* Linked with the programs that have something to generate, or gradients of their own (compiler/llvm/link.c). */
#pragma weak command_generate
#pragma weak command_gradcheck
static Status fail_absent(Run *run) {
    if (run->options.command == COMMAND_GENERATE) return console_fail(&run->console, FAILED_USAGE, "the page has no generate line");
    return console_fail(&run->console, FAILED_USAGE,
                        "this program has no gradients to look at: compile the page with --gradients or --dtype=f64");
}
static Status run_command(Run *run) {
    static Status (*const handlers[])(Run *) = {
#define COMMAND(NAME, word, arguments, help, handler) handler,
#include "commands.def"
#undef COMMAND
    };
    return handlers[run->options.command] ? handlers[run->options.command](run) : fail_absent(run);
}
static Status cpu_check(Console *console, const nn_program *program) {
    if (!strcmp(program->cpu, "x86-64-v4") && cpu_level() < 4)
        return console_fail(console, FAILED_USAGE,
                            "this program needs a cpu with AVX-512 (x86-64-v4); compile the page with --cpu=x86-64-v3");
    if (!strcmp(program->cpu, "x86-64-v3") && cpu_level() < 3)
        return console_fail(console, FAILED_USAGE, "this program needs a cpu with AVX2 and FMA (x86-64-v3)");
    return OK;
}
static Status run_all(Run *run, int argc, char **argv) {
    bool help;
    if (run->program->abi != NN_ABI)
        return console_fail(&run->console, FAILED_BUG,
                            "this program was compiled for another runtime (%lld, not %d): compile it again",
                            (long long)run->program->abi, NN_ABI);
    TRY(options_read(&run->console, run->program, argc, argv, &run->options, &help));
    if (help) return console_check(&run->console);
    TRY(cpu_check(&run->console, run->program));
    return run_command(run);
}
int run_main(const nn_program *program, void *host, const Io *io, int argc, char **argv) {
    Run run = {.program = program, .host = host, .call = {.trap_kernel = -1}};
    standard_files(io);
    console_open(&run.console, io, program->name);
    run.started = clock_seconds();
    events_open();
    Status status = run_all(&run, argc, argv);
    events_close();
    pool_close(run.pool);
    directory_close(&run);
    if (run.sets) data_close(run.sets, program->n_sets);
    json_free(run.earlier);
    console_close(&run.console);
    return status;
}
int nn_main(const nn_program *program, void *host, int argc, char **argv) {
    return run_main(program, host, &io_posix, argc, argv);
}
