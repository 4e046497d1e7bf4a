/* report.h: report.html: one self-contained page about a run: curves, tables, first-layer filters, the page's
** source. */
#ifndef NN_REPORT_H
#define NN_REPORT_H
#include "run.h"

STATUS report_write(Run *run); /* from log.csv, time.csv, test.json and the parameters, at the end of a run */
#endif
