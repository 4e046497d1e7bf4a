/* ckpt.h: checkpoints: everything the next step depends on in one safetensors file, written so that a whole one always
** exists.
**
** Files of the run directory: last.ckpt, last-1.ckpt (the one before), best.ckpt. Writing: a temporary name, O_EXCL,
** write, fsync, close, read back and compare crc, rename the old one to -1, rename, fsync the directory. */
#ifndef NN_CKPT_H
#define NN_CKPT_H
#include "run.h"

/* What a checkpoint holds beside the averages. */
typedef struct Snapshot {
    const uint8_t *lasting;
    const Totals *totals; /* of the round that is going on; NULL: at its start */
    Position at;
} Snapshot;
/* `previous`: what the file there is renamed to; NULL: it is replaced. */
STATUS ckpt_save(Run *run, const char *name, const char *previous, const Snapshot *from);
/* Reads one into lasting, round totals, averages, *at. If it is damaged or missing: `previous` (unless NULL), and says
** so. */
STATUS ckpt_load(Run *run, const char *name, const char *previous, Position *at);
/* NULL, or why not; then lasting may be half read only if `at` was (sizes are checked before anything is taken). */
const char *ckpt_load_file(Run *run, const char *path, Position *at);
/* --resume: as ckpt_load, after comparing hash, seed, batch, grains, hypers, data; refuses with a table of what
** differs; opens the logs where they were. *anew: --partial took parameters only, and training begins with the first
** block. */
STATUS ckpt_resume(Run *run, bool *anew);
/* Step run->at.step of the block was not finite: reloads last.ckpt, replays to it, runs it with traps, says what is
** not finite. */
STATUS ckpt_explain_not_finite(Run *run);
#endif
