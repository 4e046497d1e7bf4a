/* status.h: what a function of the runtime answers: an exit code, 0 for success.
**
** Every function that can fail is declared STATUS f(...) and its answer must be used. Whoever finds a failure prints
** it, once (console.h); those above only hand it on, with TRY. */
#ifndef NN_STATUS_H
#define NN_STATUS_H

typedef enum Status {
    OK = 0,
    FAILED_DATA = 1,        /* the page, or data that does not fit it */
    FAILED_USAGE = 2,       /* options; what differs at a resume; a directory in use */
    FAILED_FINITE = 3,      /* a loss or a gradient is not finite */
    FAILED_INTERRUPTED = 4, /* by a signal; a checkpoint is saved */
    FAILED_OUTPUT = 5,      /* something could not be written */
    FAILED_LIMIT = 6,       /* memory, or a stated limit */
    FAILED_BUG = 70
} Status;

#define STATUS __attribute__((warn_unused_result)) Status
#define TRY(expression)                                                                                                \
    do {                                                                                                               \
        Status try_status = (expression);                                                                              \
        if (try_status) return try_status;                                                                             \
    } while (0)
#define COUNT_OF(array) (sizeof(array) / sizeof *(array))
#endif
