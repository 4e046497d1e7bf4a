/* events.c: see events.h. The flag is the runtime's one global: a signal handler can reach nothing else. */
#include "events.h"
#include "status.h"
#include <signal.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t stop_signals, save_signals;
static struct sigaction before[5];
static const int signals[5] = {SIGINT, SIGTERM, SIGUSR1, SIGPIPE, SIGXFSZ};

static void on_stop(int signal_number) {
    (void)signal_number;
    if (stop_signals++) _exit(FAILED_INTERRUPTED); /* files are whole at any time */
}
static void on_save(int signal_number) {
    (void)signal_number;
    save_signals = 1;
}
void events_open(void) {
    void (*const handlers[5])(int) = {on_stop, on_stop, on_save, SIG_IGN, SIG_IGN};
    stop_signals = save_signals = 0;
    for (int i = 0; i < 5; i++) {
        struct sigaction action;
        memset(&action, 0, sizeof action);
        action.sa_handler = handlers[i];
        action.sa_flags = SA_RESTART;
        sigemptyset(&action.sa_mask);
        sigaction(signals[i], &action, &before[i]);
    }
}
void events_close(void) {
    for (int i = 0; i < 5; i++) sigaction(signals[i], &before[i], NULL);
}
int events_poll(void) {
    int events = stop_signals ? EVENT_STOP : 0;
    if (save_signals) {
        save_signals = 0;
        events |= EVENT_SAVE;
    }
    return events;
}
