/* ckpt.h: checkpoints: everything the next step depends on in one safetensors file, written so that a whole one always exists.
**
** Files of the run directory: last.ckpt, last-1.ckpt (the one before), best.ckpt. Writing: a temporary name, O_EXCL, write, fsync,
** close, read back and compare crc, rename the old one to -1, rename, fsync the directory. */
#ifndef NN_CKPT_H
#define NN_CKPT_H
#include "run.h"

STATUS ckpt_save(Run *run, const char *name);      /* "last.ckpt", "best.ckpt": lasting, round totals, averages, run->at */
/* Reads one into lasting, round totals, averages, run->at. last.ckpt that is damaged: last-1.ckpt, and says so. */
STATUS ckpt_load(Run *run, const char *name);
/* --resume: as ckpt_load, after comparing hash, seed, batch, grains, hypers, data; refuses with a table of what differs. */
STATUS ckpt_resume(Run *run);
/* Step run->at.step of the block was not finite: reloads last.ckpt, replays to it, runs it with traps, says what is not finite. */
STATUS ckpt_explain_not_finite(Run *run);
#endif
