/* runtime_train_test.c: whole runs of a hand-made program: training, evaluation, prediction, gradients, speed, and
** that stopping and going on changes no bit. The compiler is not needed for any of it. */
#include "runtime_world.h"

static void raise_interrupt(void) { raise(SIGINT); }
static void raise_save(void) { raise(SIGUSR1); }
static void die(void) { _exit(99); }

static void test_training(void) {
    int code = runs(&page_f32, "train --out whole --threads 1");
    check_run(code, 0, "accuracy", "training runs");
    char *log = file_text("whole/log.csv", NULL);
    int rows = 0;
    for (const char *s = log; s && *s; s++) rows += *s == '\n';
    check(log && rows == 9 && strstr(log, "block,round,epoch,step,examples,loss,accuracy,confusion[0][0]") &&
              strstr(log, ",validate_root\n"),
          "log.csv has a header and a row a round", "%d rows: %.200s", rows, log ? log : "none");
    free(log);
    check(access("whole/report.html", R_OK) == 0 && access("whole/run.json", R_OK) == 0 &&
              access("whole/test.json", R_OK) == 0,
          "the files of a run are there", "one is missing");
    code = runs(&page_f32, "--out again --threads 3");
    check(code == 0 && same_run("whole", "again"), "a rerun on three threads has the same bytes", "exit %d", code);
    code = runs(&page_f32, "train --out other --seed 1");
    check(code == 0 && !same_run("whole", "other"), "another seed is another run", "exit %d", code);
    code = runs(&page_f32, "train --replay whole/run.json --out replayed");
    check(code == 0 && same_run("whole", "replayed"), "--replay does the same", "exit %d: %s", code, err_text.bytes);
    code = runs(&page_f32, "train --replay other/run.json --out replayed2");
    check(code == 0 && same_run("other", "replayed2"), "--replay takes the seed", "exit %d: %s", code, err_text.bytes);
    code = runs(&page_f64, "train --out double");
    check_run(code, 0, "accuracy", "training in f64");
    code = runs(&page_f32, "train --out whole");
    check_run(code, 2, "holds a run already", "a run is not written over");
    code = runs(&page_f32, "train --out again --replace");
    check(code == 0 && same_run("whole", "again"), "--replace writes over it", "exit %d", code);
    code = runs(&page_f32, "train --out zero --steps 0");
    check(code == 0 && access("zero/model.safetensors", R_OK) == 0, "--steps 0 writes the initial model", "exit %d",
          code);
    code = runs(&page_f32, "train --dry-run --out dry");
    check(code == 0 && access("dry", F_OK) != 0, "--dry-run leaves nothing behind", "exit %d: %s", code,
          err_text.bytes);
}
static void test_stopping(void) {
    static const int32_t steps[] = {0, 1, 12, 13, 14, 55, 103};
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        char name[64];
        snprintf(name, sizeof name, "stop%d", steps[i]);
        hook_step = steps[i];
        hook = raise_interrupt;
        int code = runs(&page_f32, "train --out %s", name);
        check_run(code, 4, "interrupted", "SIGINT saves and exits with 4");
        code = runs(&page_f32, "train --resume %s", name);
        check(code == 0 && same_run("whole", name), "interrupted and resumed: the same bytes", "step %d, exit %d: %s",
              steps[i], code, err_text.bytes);
    }
    hook_step = -2;
    hook = raise_interrupt;
    int code = runs(&page_f32, "train --out stop_eval");
    check_run(code, 4, "interrupted", "SIGINT in an evaluation");
    code = runs(&page_f32, "train --resume stop_eval");
    check(code == 0 && same_run("whole", "stop_eval"), "interrupted in an evaluation and resumed: the same bytes",
          "exit %d: %s", code, err_text.bytes);
    hook_step = 30;
    hook = raise_save;
    code = runs(&page_f32, "train --out usr1");
    check(code == 0 && same_run("whole", "usr1"), "SIGUSR1 saves and goes on", "exit %d", code);
    code = runs(&page_f32, "train --resume whole");
    check_run(code, 0, "nothing left to do", "resuming a run that is over");
    check(same_run("whole", "usr1"), "and it stays as it is", "it changed");
}
static void test_killing(void) {
    static const int32_t steps[] = {0, 20, 77};
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        char name[64];
        snprintf(name, sizeof name, "kill%d", steps[i]);
        fflush(stdout);
        pid_t child = fork();
        if (!child) {
            hook_step = steps[i];
            hook = die;
            _exit(runs(&page_f32, "train --out %s", name));
        }
        int status;
        waitpid(child, &status, 0);
        int code = runs(&page_f32, "train --resume %s", name);
        check(WEXITSTATUS(status) == 99 && code == 0 && same_run("whole", name), "killed and resumed: the same bytes",
              "step %d, exit %d: %s", steps[i], code, err_text.bytes);
    }
}
static void test_mismatch(void) {
    hook_step = 40;
    hook = raise_interrupt;
    int code = runs(&page_f32, "train --out differ");
    check_run(code, 4, "interrupted", "a run to resume wrongly");
    check_run(runs(&page_f32, "train --resume differ --lr 0.2"), 2, "lr", "another hyper is refused");
    check_run(runs(&page_f32, "train --resume differ --seed 5"), 2, "seed", "another seed is refused");
    check_run(runs(&page_f64, "train --resume differ"), 2, "page", "another page is refused");
    points_write("other.csv", 301);
    check_run(runs(&page_f32, "train --resume differ --data points=other.csv"), 2, "other.csv",
              "other data are refused");
    check_run(runs(&page_f32, "train --resume nowhere"), 2, "nowhere/run.json", "a run that is not there");
}
static void test_not_finite(void) {
    break_step = 31;
    int code = runs(&page_f32, "train --out broken");
    check_run(code, 3, "dot net.weight", "a value that is not finite is named");
    check(strstr(err_text.bytes, "points.nn:6") && strstr(err_text.bytes, "step 31"), "with line and step", "%s",
          err_text.bytes);
    break_step = -1;
    code = runs(&page_f32, "train --resume broken");
    check(code == 0 && same_run("whole", "broken"), "and the run before it is whole", "exit %d: %s", code,
          err_text.bytes);
}
static void test_commands(void) {
    check_run(runs(&page_f32, "eval --from whole --json"), 0, "\"event\":\"eval\"", "eval");
    check_run(runs(&page_f32, "eval --from whole --split validate"), 0, "validate 30 rows", "eval of another part");
    check(strstr(out_text.bytes, "precision") != NULL, "eval shows precision and recall", "%s", out_text.bytes);
    int code = runs(&page_f32, "predict --from whole");
    int rows = 0;
    for (const char *s = out_text.bytes; *s; s++) rows += *s == '\n';
    check(code == 0 && rows == 61 && !strncmp(out_text.bytes, "label,confidence\n", 17) &&
              strstr(out_text.bytes, "\ngreen,0."),
          "predict prints a header and names of classes", "exit %d, %d rows: %.200s %s", code, rows, out_text.bytes,
          err_text.bytes);
    FILE *f = fopen("new.csv", "w");
    fprintf(f, "3.1,4.9,3.0,3.0\n4.9,3,3,3\n");
    fclose(f);
    code = runs(&page_f32, "predict --from whole --in new.csv --format jsonl");
    check(code == 0 && !strncmp(out_text.bytes, "{\"label\":\"", 10) && strstr(out_text.bytes, "\"confidence\":0."),
          "predict of a file without labels", "exit %d: %.200s %s", code, out_text.bytes, err_text.bytes);
    check_run(runs(&page_f32, "info"), 0, "15 parameters", "info");
    check_run(runs(&page_f64, "gradcheck --samples 0"), 0, "net.weight", "gradcheck of order 1");
    check_run(runs(&page_f64, "gradcheck --order 2 --samples 0"), 0, "order 2", "gradcheck of order 2");
    page_wrong_gradient = true;
    check_run(runs(&page_f64, "gradcheck --samples 0"), 1, "WRONG", "gradcheck finds a wrong gradient");
    page_wrong_gradient = false;
    check_run(runs(&page_f32, "gradcheck"), 2, "--dtype=f64", "gradcheck needs f64");
    check_run(runs(&page_f64, "gradcheck --save gradients.safetensors"), 0, "net.bias", "gradients are saved");
    check_run(runs(&page_f32, "bench --steps 50 --json"), 0, "\"peak_gflops\":", "bench");
    check_run(runs(&page_f32, "bench --seconds 0.05"), 0, "examples/s", "bench for people");
}
static void test_transfer(void) {
    int code = runs(&page_f32, "export --from whole --to out.safetensors");
    check(code == 0 && same_file("out.safetensors", "whole/model.safetensors"), "export writes the model's file",
          "exit %d: %s", code, err_text.bytes);
    check_run(runs(&page_f32, "export --from whole --to out_npy --format npy"), 0, "4 tensors written to out_npy",
              "export as npy");
    check_run(runs(&page_f32, "import --in out_npy --to in.safetensors"), 0, "4 tensors written", "import of npy");
    code = runs(&page_f32, "eval --from in.safetensors --json");
    char kept[4096];
    snprintf(kept, sizeof kept, "%s", out_text.bytes);
    int other = runs(&page_f32, "eval --from whole --json");
    check(code == 0 && other == 0 && !strcmp(kept, out_text.bytes), "what was exported and imported evaluates alike",
          "%d %d: %s %s", code, other, kept, out_text.bytes);
    check_run(runs(&page_f64, "import --in out.safetensors --to double.safetensors --json"), 0,
              "{\"event\":\"import\",\"to\":\"double.safetensors\",\"tensors\":4}", "import of another float type");
    check_run(runs(&page_f64, "eval --from double.safetensors"), 0, "accuracy", "and it can be used");
    unlink("out_npy/points-average-0.npy");
    check_run(runs(&page_f32, "import --in out_npy --to in2.safetensors"), 0, "4 tensors written",
              "averages that are not there");
    check(same_file("in.safetensors", "in2.safetensors"), "are found in the data", "they differ");
    if (rename("out_npy/net.bias.npy", "out_npy/net.weight.npy")) exit(70);
    check_run(runs(&page_f32, "import --in out_npy --to in3.safetensors"), 1,
              "2 of 4 tensors do not fit this program:\n   net.weight: has not the shape [4, 3], or no numbers that "
              "can be read\n"
              "   net.bias: is not there",
              "import of what does not fit");
    check(access("in3.safetensors", F_OK) != 0, "which writes nothing", "it does");
    check_run(runs(&page_f32, "export --from whole"), 2, "--to FILE is needed", "export to nowhere");
    check_run(runs(&page_f32, "export --from whole --to x --format onnx"), 2, "safetensors or npy",
              "export in another format");
    check_run(runs(&page_f32, "import --in nothing --to x"), 1, "nothing", "import of nothing");
}
static void test_lr_find(void) {
    check_run(runs(&page_f32, "lr-find --threads 1"), 0, "suggested: --lr ", "lr-find");
    double lr = strtod(strstr(out_text.bytes, "--lr ") + 5, NULL);
    check(lr > 1e-3 && lr < 5, "lr-find suggests a rate at which the loss falls", "%g", lr);
    check_run(runs(&page_f32, "lr-find --json --steps 10 --hyper lr"), 0, "{\"event\":\"lr-find\",\"hyper\":\"lr\",",
              "lr-find --json");
    check_run(runs(&page_f32, "lr-find --hyper l"), 2, "no real hyper \"l\"; did you mean \"lr\"?",
              "lr-find of another hyper");
    check(access("runs", F_OK) != 0, "lr-find leaves nothing behind", "there is runs/");
}
static void test_options(void) {
    check_run(runs(&page_f32, "train --epoch 3"), 2, "did you mean --epochs", "an option almost right");
    check_run(runs(&page_f32, "trian"), 2, "did you mean \"train\"", "a command almost right");
    check_run(runs(&page_f32, "train --lr 100"), 2, "[1e-06, 10]", "a hyper out of its range");
    check_run(runs(&page_f32, "train --hidden-units 2.5"), 2, "a whole number", "a hyper of another kind");
    check_run(runs(&page_f32, "train --threads 0"), 2, "--threads", "no threads");
    check_run(runs(&page_f32, "train --epochs"), 2, "needs a value", "a value left out");
    check_run(runs(&page_f32, "--help"), 0, "gradcheck", "help names the commands");
    check_run(runs(&page_f32, "train --help"), 0, "--hidden_units", "help of a command names its options and hypers");
    check_run(runs(&page_f32, "train --data point=x"), 2, "did you mean \"points\"", "data of another name");
    check_run(runs(&page_f32, "train --order backwards --out bad"), 2, "--order must be", "an order that is none");
    check_run(runs(&page_f32, "train --out limited --limit-train 10"), 1, "make the batch smaller",
              "fewer rows than a batch");
    check(access("bad", F_OK) && access("limited", F_OK), "what is refused makes no directory", "it does");
    check_run(runs(&page_f32, "train --json --epochs 1 --out json"), 0, "{\"event\":\"done\"", "events");
}
/* ---- several blocks: the page's, then one with patience that starts from what it left, then one over all rows at
** once */
static nn_train blocks[3];
static nn_program several;
static void blocks_make(void) {
    several = page_f32;
    for (int i = 0; i < 3; i++) blocks[i] = page_f32.trains[0];
    blocks[1].name = "tune";
    blocks[1].epochs = 40;
    blocks[1].patience = 3;
    blocks[1].n_reports = 1;
    blocks[2].name = "all";
    blocks[2].epochs = 0;
    blocks[2].steps = 250;
    blocks[2].all = 1;
    blocks[2].best = -1;
    several.n_trains = 3;
    several.trains = blocks;
}
static void test_blocks(void) {
    blocks_make();
    int code = runs(&several, "train --out blocks");
    check_run(code, 0, "rounds without a better one", "three blocks in order, one ended by its patience");
    char *log = file_text("blocks/log.csv", NULL);
    check(log && strstr(log, "\nnet,8,8,104,1664,") && strstr(log, "\ntune,1,1,13,1872,") &&
              strstr(log, "\nall,84,250,250,"),
          "log.csv has rows of all blocks", "%.300s", log ? log : "none");
    check(log && !strstr(log, "loss,loss"), "and each column once", "%.300s", log ? log : "none");
    free(log);
    check(strstr(out_text.bytes, "tune  test") && strstr(out_text.bytes, "all  test"), "each block is tested", "%s",
          out_text.bytes);
    for (int32_t step = 3; step < 250; step += 17) {
        for (int block = 0; block < 3; block++) {
            if ((block == 0 && step >= 104) || (block == 1 && step > 40)) continue;
            hook_block = block;
            hook_step = step;
            hook = raise_interrupt;
            code = runs(&several, "train --out blocks_half");
            bool stopped = code == 4;
            code = runs(&several, "train --resume blocks_half");
            bool same = code == 0 && same_run("blocks", "blocks_half");
            if (!stopped || !same)
                check(false, "a run of blocks, interrupted and resumed", "block %d step %d: stopped %d, exit %d: %s",
                      block, step, stopped, code, err_text.bytes);
            if (system("rm -rf blocks_half")) perror("rm");
        }
    }
    hook_block = -1;
    check(true, "a run of blocks, interrupted anywhere and resumed: the same bytes", " ");
    code = runs(&several, "train tune --out one");
    check(code == 0 && !strstr(out_text.bytes, "net  "), "one block alone", "exit %d: %s", code, out_text.bytes);
    check_run(runs(&several, "eval tune --from blocks"), 0, "tune  test 60 rows", "eval of one block");
    check(strstr(out_text.bytes, "all  test") == NULL, "and of no other", "%s", out_text.bytes);
    blocks[0].start_file = "other/model.safetensors";
    check_run(runs(&several, "train net --steps 0 --out started"), 0, "run: started", "start=\"file\"");
    check(same_file("started/model.safetensors", "other/model.safetensors"), "takes every parameter by name",
          "they differ");
}
static void test_alone(void) {
    check_run(runs(&page_f32, "predict --from whole/model.safetensors --rows 2"), 0, "green",
              "a model file names its classes");
    check_run(runs(&page_f32, "eval --from whole/last.ckpt"), 0, "test 60 rows", "eval of a checkpoint");
    check_run(runs(&page_f64, "eval --from whole"), 2, "do not fit this program",
              "parameters of another type are refused");
    check_run(runs(&page_f32, "eval --from points.csv"), 1, "no safetensors file", "a file that is none");
    check_run(runs(&page_f32, "train --partial --resume other --seed 1 --epochs 1"), 0, "run: other",
              "--partial takes what fits");
}
int main(void) {
    world_open();
    test_training();
    test_stopping();
    test_killing();
    test_mismatch();
    test_not_finite();
    test_commands();
    test_transfer();
    test_lr_find();
    test_options();
    test_blocks();
    test_alone();
    world_close();
    return failures != 0;
}
