/* events.h: signals, as events that the machine polls after every step, every batch of an evaluation, every 1000 rows
** read.
**
** SIGINT, SIGTERM: EVENT_STOP; a second one ends the process at once with exit 4. SIGUSR1: EVENT_SAVE. SIGPIPE and
** SIGXFSZ are ignored: the call that hits them fails. SIGBUS, a mapped file cut short: exit 1. The one global of the
** runtime is the flag that the handlers set. */
#ifndef NN_EVENTS_H
#define NN_EVENTS_H
enum { EVENT_STOP = 1, EVENT_SAVE = 2 };
void events_open(void);  /* sets the handlers and clears the flag */
void events_close(void); /* gives back the handlers there were */
int events_poll(void);   /* events since; EVENT_STOP stays, EVENT_SAVE is taken */
#endif
