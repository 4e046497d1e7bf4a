/* report_parts.h: the pieces of report.html: each appends its own sections, or nothing where there is nothing to
** show. */
#ifndef NN_REPORT_PARTS_H
#define NN_REPORT_PARTS_H
#include "run.h"

void put_html(Text *to, const char *s); /* with < & " escaped */
/* A chart for each single number of log.csv (the text of the file, which ends with a zero). */
void put_curves(const char *log, Text *to);
/* The values of a report that is an array, over `rows` rows of the test part. */
void put_test_table(const nn_report *report, const double *values, double rows, Text *to);
/* The weights of the first layer as small pictures, if they have the form of pictures. */
void put_filters(const Run *run, Text *to);
#endif
