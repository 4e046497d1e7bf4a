/* events.c: see events.h. The flag is the runtime's one global: a signal handler can reach nothing else. */
#include "events.h"
#include "status.h"
#include <signal.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t stop_signals, save_signals;
enum { SIGNALS = 6 };
static struct sigaction before[SIGNALS];
static const int signals[SIGNALS] = {SIGINT, SIGTERM, SIGUSR1, SIGPIPE, SIGXFSZ, SIGBUS};

static void on_stop(int signal_number) {
    (void)signal_number;
    if (stop_signals++) _exit(FAILED_INTERRUPTED); /* files are whole at any time */
}
static void on_save(int signal_number) {
    (void)signal_number;
    save_signals = 1;
}
/* Data files are mapped: one that is made shorter while it is used ends the process here. What is saved is whole. */
static void on_bus_error(int signal_number) {
    static const char message[] = "error: a data file became shorter while it was read\n";
    (void)signal_number;
    if (write(2, message, sizeof message - 1)) _exit(FAILED_DATA);
    _exit(FAILED_DATA);
}
void events_open(void) {
    void (*const handlers[SIGNALS])(int) = {on_stop, on_stop, on_save, SIG_IGN, SIG_IGN, on_bus_error};
    stop_signals = save_signals = 0;
    for (int i = 0; i < SIGNALS; i++) {
        struct sigaction action;
        memset(&action, 0, sizeof action);
        action.sa_handler = handlers[i];
        action.sa_flags = SA_RESTART;
        sigemptyset(&action.sa_mask);
        sigaction(signals[i], &action, &before[i]);
    }
}
void events_close(void) {
    for (int i = 0; i < SIGNALS; i++) sigaction(signals[i], &before[i], NULL);
}
int events_poll(void) {
    int events = stop_signals ? EVENT_STOP : 0;
    if (save_signals) {
        save_signals = 0;
        events |= EVENT_SAVE;
    }
    return events;
}
