/* pipeline.h: runs the stages of pipeline.def on a page. Holds what they hand on, decides nothing else. */
#ifndef NNC_PIPELINE_H
#define NNC_PIPELINE_H
#include "options.h"
#include "../ast/ast.h"
#include "../ir/program.h"
#include "../loop/loop.h"
#include "../plan/plan.h"

typedef enum Stage {
#define STAGE(name, purpose) STAGE_##name,
#include "pipeline.def"
#undef STAGE
    STAGES
} Stage;
typedef struct Pipeline {
    Compilation c;
    const Options *options;
    Source *source;
    Ast *page;
    Program *program;
    Plan *plan;
    LoopProgram *loops;
    int n_files;      /* obj: how many it may be, then how many were written, */
    const char *const *files; /* and where */
    int exit_code;    /* of the stage that failed */
    Stage reached;    /* the last that ran */
} Pipeline;

bool pipeline_has(const char *stage);
int pipeline_stages(const char **names, int most); /* their names, in order */
Stage pipeline_find(const char *stage);            /* of a name that pipeline_has */
const char *pipeline_purpose(Stage stage);
/* Reads the page and runs the stages up to `last`, dumping what the options ask for. False: see exit_code; messages are printed. */
bool pipeline_run(Pipeline *p, Stage last);
/* A stage's text on `out`; it must have run. */
void pipeline_show(Pipeline *p, Stage stage, FILE *out);
#endif
