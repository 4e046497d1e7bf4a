#!/bin/bash
# long.sh: `make test-long`: each example trained in full on real data, and what it reached beside what it must. Not part of `make test`:
# it takes most of an hour on two cores. `bash tests/long.sh lenet maml` runs the rows of those pages only.
#
# A row: the program, what was measured (on rows never trained on), what it reached, what it must, the seconds of training. The limits are
# what a correct implementation reaches with the same settings, less a margin; a control shows what is reached without the idea.
# Data: $NNC_DATA (../shared/data) with mnist, omniglot and text, and Debian's dataset-fashion-mnist; a row whose data is absent is skipped.
cd "$(dirname "$0")/.." || exit 2
. tests/lib.sh
WORK=${WORK:-$TMP}                        # runs are kept there if it is given
MNIST=$DATA/mnist OMNIGLOT=$DATA/omniglot PLAYS=$DATA/text/tinyshakespeare.txt FASHION=/usr/share/datasets/fashion-mnist
mkdir -p "$WORK"
failed=0 passed=0 skipped=0
line() { printf '%-18s %-44s %10s   %-14s %7s  %s\n' "$@"; }
short() { awk -v x="$1" 'BEGIN { if (x != "") printf "%.4g", x }'; }
# row PROGRAM WHAT VALUE OP LIMIT: one line of the table
row() {
    set -- "$1" "$2" "$(short "$3")" "$4" "$(short "$5")"
    if [ -n "$3" ] && awk "BEGIN { exit !($3 $4 $5) }"; then verdict=ok; passed=$((passed + 1)); else verdict=FAIL; failed=$((failed + 1)); fi
    line "$1" "$2" "${3:-none}" "$4 $5" "$seconds" "$verdict"
}
# compile PAGE NAME OPTIONS...
compile() {
    local page=$1 name=$2; shift 2
    "$NNC" "examples/$page.nn" "$@" -o "$WORK/$name" >"$WORK/$name.log" 2>&1 && return
    failed=$((failed + 1)); seconds=
    line "$page" "compiles" "no" "" "" FAIL; tail -n 3 "$WORK/$name.log"; return 1
}
# trained NAME RUN ARGS...: trains $WORK/NAME into $WORK/RUN
trained() {
    local name=$1 run=$2 start; shift 2
    start=$(date +%s.%N)
    "$WORK/$name" train --out "$WORK/$run" --replace "$@" >"$WORK/$run.log" 2>&1
    local code=$?
    case "$* " in *"--steps 0 "*) ;; *) seconds=$(echo "$start $(date +%s.%N)" | awk '{ printf "%.0f", $2 - $1 }') ;; esac
    [ $code = 0 ] && return
    failed=$((failed + 1))
    line "$name" "trains" "exit $code" "" "$seconds" FAIL; tail -n 3 "$WORK/$run.log"; return 1
}
# value NAME RUN KEY [BLOCK] [ARGS...]: a number of eval's JSON of the test part (SPLIT=validate: of that)
value() {
    local name=$1 run=$2 key=$3; shift 3
    "$WORK/$name" eval "$@" --from "$WORK/$run" --split "${SPLIT:-test}" --json >"$WORK/eval.json" 2>"$WORK/eval.log"
    number "$WORK/eval.json" "$key"
}
have() { # have PAGE PATH
    [ -e "$2" ] && return
    skipped=$((skipped + 1)); seconds=
    line "$1" "" "" "" "" "skip: no $2"; return 1
}

# ---- pages of rows
run_digits() {
    compile digits digits && trained digits digits.run || return
    row digits "accuracy" "$(value digits digits.run accuracy)" ">=" 0.96
}
run_mnist_mlp() {
    have mnist_mlp "$MNIST" && compile mnist_mlp mlp && trained mlp mlp.run --data mnist="$MNIST" --epochs 5 || return
    row mnist_mlp "accuracy, 5 epochs" "$(value mlp mlp.run accuracy --data mnist="$MNIST")" ">=" 0.973
}
run_fashion_mlp() {
    have fashion_mlp "$FASHION" && compile fashion_mlp fmlp && trained fmlp fmlp.run --epochs 5 || return
    row fashion_mlp "accuracy, 5 epochs" "$(value fmlp fmlp.run accuracy)" ">=" 0.865
}

# ---- pictures
run_lenet() {
    have lenet "$MNIST" && compile lenet lenet && trained lenet lenet.run --data digits="$MNIST" || return
    row lenet "accuracy, MNIST, 4 epochs" "$(value lenet lenet.run accuracy --data digits="$MNIST")" ">=" 0.978
    trained lenet lenet20.run --data digits="$MNIST" --epochs 20 || return
    row lenet "accuracy, MNIST, 20 epochs" "$(value lenet lenet20.run accuracy --data digits="$MNIST")" ">=" 0.989
}
run_fashion_cnn() {
    have fashion_cnn "$FASHION" && compile fashion_cnn cnn && trained cnn cnn.run || return
    row fashion_cnn "accuracy, Fashion-MNIST, 3 epochs" "$(value cnn cnn.run accuracy)" ">=" 0.87
}
run_resnet() {
    have resnet "$FASHION" && compile resnet resnet && trained resnet resnet.run || return
    row resnet "accuracy, Fashion-MNIST, 10 epochs" "$(value resnet resnet.run accuracy)" ">=" 0.915
}
run_vgg() {
    have vgg "$FASHION" && compile vgg vgg && trained vgg vgg.run || return
    row vgg "accuracy, Fashion-MNIST, 10 epochs" "$(value vgg vgg.run accuracy)" ">=" 0.915
}
# A trunk that knows Omniglot's strokes, two hundred digits
run_finetune() {
    have finetune "$MNIST" && have finetune "$OMNIGLOT" && mkdir -p "$WORK/pages" && cp examples/*.nn "$WORK/pages" || return
    compile prototypes strokes && trained strokes pages/strokes --data omniglot="$OMNIGLOT" || return
    "$NNC" "$WORK/pages/finetune.nn" -o "$WORK/finetune" >"$WORK/finetune.log" 2>&1 &&
        trained finetune finetune.run --data digits="$MNIST" --limit-train 200 || return
    row finetune "accuracy, MNIST, 200 digits" "$(value finetune finetune.run accuracy tune --data digits="$MNIST")" ">=" 0.87
    trained finetune scratch.run tune --data digits="$MNIST" --limit-train 200 || return
    row finetune "from scratch (control)" "$(value finetune scratch.run accuracy tune --data digits="$MNIST")" "<" 0.80
}
run_autoencoder() {
    have autoencoder "$FASHION" && compile autoencoder auto && trained auto auto.run || return
    row autoencoder "squared error, 10 epochs" "$(value auto auto.run loss)" "<" 0.012
}
run_vae() {
    have vae "$MNIST" && compile vae vae && trained vae vae.run --data mnist="$MNIST" || return
    row vae "bound on -log p, nats, 10 epochs" "$(value vae vae.run loss --data mnist="$MNIST")" "<" 108
}

# ---- sequences
run_rows() {
    have rows_rnn "$MNIST" || return
    local page
    for page in rows_rnn rows_lstm rows_bilstm; do
        compile $page $page && trained $page $page.run --data mnist="$MNIST" || return
        eval "$page=\$(value $page $page.run accuracy --data mnist=\"\$MNIST\")"
    done
    row rows_rnn "accuracy, 2 epochs" "$rows_rnn" ">=" 0.75
    row rows_lstm "accuracy, 2 epochs" "$rows_lstm" ">=" 0.94
    row rows_bilstm "accuracy, 2 epochs" "$rows_bilstm" ">=" 0.96
    row rows "lstm better than the plain net" "$rows_lstm" ">" "$rows_rnn"
    row rows "both ways better than one" "$rows_bilstm" ">" "$rows_lstm"
}
run_adding() {
    compile adding adding && trained adding adding.run || return
    row adding "squared error, lstm" "$(value adding adding.run loss lstm)" "<" 0.005
    row adding "squared error, plain (control)" "$(value adding adding.run loss rnn)" ">" 0.14
}
run_copy_memory() {
    compile copy_memory copy && trained copy copy.run || return
    row copy_memory "recall" "$(value copy copy.run recall)" ">=" 0.98
}
run_series() {
    compile series series && trained series series.run || return
    row series "error of the next year, spots" "$(value series series.run 'error\[0\]')" "<" 25
    row series "of always saying the mean (control)" "$(value series series.run 'of_mean\[0\]')" ">" 50
}
run_names() {
    compile names names && trained names names.run || return
    row names "nats a letter" "$(SPLIT=validate value names names.run nats)" "<" 2.0
}
run_shakespeare() {
    have shakespeare "$PLAYS" && compile shakespeare plays && trained plays plays.run --data plays="$PLAYS" || return
    row shakespeare "nats a character, 4 epochs" "$(SPLIT=validate value plays plays.run loss --data plays="$PLAYS")" "<=" 1.92
}
run_gpt() {
    have gpt "$PLAYS" && compile gpt gpt && trained gpt gpt.run --data plays="$PLAYS" || return
    row gpt "nats a character, 2000 steps" "$(SPLIT=validate value gpt gpt.run loss --data plays="$PLAYS")" "<=" 1.95
    "$WORK/gpt" generate --from "$WORK/gpt.run" --length 300 2>"$WORK/gpt.err" | sed 's/^/    | /'
}

# ---- learning to learn: M1 .. M19
run_maml() {
    compile maml maml && trained maml maml.run || return
    maml_5000=$(value maml maml.run loss)
    row maml "before" "$(value maml maml.run before)" ">" 2.5
    row maml "after 1 step" "$maml_5000" "<" 0.85
    row maml "after 10 steps" "$(value maml maml.run after_10)" "<" 0.40
    trained maml maml10.run --steps 10000 || return
    maml_10000=$(value maml maml10.run loss)
    compile fomaml fomaml && trained fomaml fomaml.run || return
    row fomaml "after 1 step" "$(value fomaml fomaml.run loss)" "<" 0.95
    row fomaml "worse than maml" "$(value fomaml fomaml.run loss)" ">" "$maml_10000"
    compile meta_sgd meta && trained meta meta.run || return
    row meta_sgd "after 1 step" "$(value meta meta.run loss)" "<" 0.45
    row meta_sgd "share of maml's error" "$(echo "$(value meta meta.run loss) $maml_5000" | awk '{ print $1 / $2 }')" "<" 0.75
    compile reptile reptile && trained reptile reptile.run || return
    row reptile "after 32 steps" "$(value reptile reptile.run after_32)" "<" 0.25
    row reptile "before" "$(value reptile reptile.run after_0)" ">" 3
    trained reptile reptile0.run --steps 0 || return
    row reptile "after 32 steps, untrained (control)" "$(value reptile reptile0.run after_32)" ">" 1
}
run_learned_optimizer() {
    compile learned_optimizer learned && trained learned learned.run || return
    local mine best=inf rule other
    mine=$(value learned learned.run loss learned)
    for rule in sgd adam rmsprop; do
        other=$(value learned learned.run loss $rule)
        best=$(echo "$best $other" | awk '{ print $1 == "inf" || $2 < $1 ? $2 : $1 }')
    done
    row learned_optimizer "sum of ten losses" "$mine" "<" 24
    row learned_optimizer "share of the best tuned one's ($best)" "$(echo "$mine $best" | awk '{ print $1 / $2 }')" "<" 0.9
    trained learned learned0.run learned --steps 0 || return
    row learned_optimizer "untrained (control)" "$(value learned learned0.run loss learned)" ">" "$best"
    "$NNC" tests/train/square.nn -o "$WORK/square" >"$WORK/square.log" 2>&1 && trained square square.run || return
    row learned_optimizer "x^2, one weight and a bias: x^2" "$(value square square.run last)" "<" 1e-5
    row learned_optimizer "the weight (best: -0.5)" "$(value square square.run weight)" "<" -0.44
    # As a user has them: both pages in one folder, the run beside them
    mkdir -p "$WORK/pages" && cp -r examples/learned_optimizer.nn examples/use_learned.nn examples/data "$WORK/pages" &&
        rm -rf "$WORK/pages/rule" && cp -r "$WORK/learned.run" "$WORK/pages/rule" && "$NNC" "$WORK/pages/use_learned.nn" -o "$WORK/use" || return
    trained use use.run || return
    row use_learned "accuracy, 100 steps" "$(value use use.run accuracy mlp)" ">=" 0.88
}
run_hypergradient() {
    have hypergradient "$MNIST" && compile hypergradient hyper && trained hyper hyper.run --data mnist="$MNIST" || return
    local mine
    mine=$(value hyper hyper.run loss learned --data mnist="$MNIST")
    row hypergradient "cross-entropy, epoch 1" "$mine" "<=" 0.33
    row hypergradient "cross-entropy, epoch 1" "$mine" ">=" 0.29
    row hypergradient "a fixed rate (control)" "$(value hyper hyper.run loss plain --data mnist="$MNIST")" ">" 0.7
}
run_mann() {
    compile mann mann && trained mann mann.run || return
    row mann "1st time" "$(value mann mann.run 'time\[0\]' memory)" "<" 0.65
    row mann "2nd time" "$(value mann mann.run 'time\[1\]' memory)" ">=" 0.88
    trained mann mann1000.run --steps 1000 || return
    row mann "2nd time, an lstm's at 1000 steps (control)" "$(value mann mann1000.run 'time\[1\]' control)" "<" "$(value mann mann1000.run 'time\[1\]' memory)"
}
run_hochreiter() {
    compile hochreiter hoch && trained hoch hoch.run || return
    row hochreiter "squared error at the 20th point" "$(value hoch hoch.run 'error\[19\]' learns)" "<" 0.01
    row hochreiter "at the first (variance of y: 0.444)" "$(value hoch hoch.run 'error\[0\]' learns)" ">" 0.378
    row hochreiter "at the 20th, not told (control)" "$(value hoch hoch.run 'error\[19\]' control)" ">" 0.378
}
run_omniglot() {
    have omniglot "$OMNIGLOT" || return
    local page name where="--data omniglot=$OMNIGLOT"
    # shellcheck disable=SC2086
    for page in prototypes matching; do
        name=$page
        compile $page $name && trained $name $name.run $where || return
        trained $name ${name}_0.run $where --steps 0 || return
        compile $page ${name}_5_1 -D ways=5 && compile $page ${name}_5_5 -D ways=5 -D shots=5 || return
        if [ $page = prototypes ]; then set -- 0.89 0.96 0.73; else set -- 0.88 0.955 0.72; fi
        row $page "accuracy, 5 ways, 1 drawing" "$(value ${name}_5_1 $name.run accuracy $where)" ">=" "$1"
        row $page "accuracy, 5 ways, 5 drawings" "$(value ${name}_5_5 $name.run accuracy $where)" ">=" "$2"
        row $page "accuracy, 20 ways, 1 drawing" "$(value $name $name.run accuracy $where)" ">=" "$3"
        [ $page = matching ] || {
            compile $page ${name}_20_5 -D shots=5 || return
            row $page "accuracy, 20 ways, 5 drawings" "$(value ${name}_20_5 $name.run accuracy $where)" ">=" 0.89
        }
        row $page "5 ways, 1 drawing, untrained (control)" "$(value ${name}_5_1 ${name}_0.run accuracy $where)" "<" 0.6
    done
}
run_relation() {
    have relation "$OMNIGLOT" && compile relation relation && trained relation relation.run --data omniglot="$OMNIGLOT" || return
    row relation "accuracy, 5 ways, 1 drawing" "$(value relation relation.run accuracy --data omniglot="$OMNIGLOT")" ">=" 0.80
    trained relation relation0.run --data omniglot="$OMNIGLOT" --steps 0 || return
    row relation "untrained (control)" "$(value relation relation0.run accuracy --data omniglot="$OMNIGLOT")" "<" 0.5
}
run_siamese() {
    have siamese "$OMNIGLOT" && compile siamese siamese && trained siamese siamese.run --data omniglot="$OMNIGLOT" || return
    compile siamese siamese_5 -D shots=5 && trained siamese siamese0.run --data omniglot="$OMNIGLOT" --steps 0 || return
    row siamese "accuracy, 5 ways, 1 drawing" "$(value siamese siamese.run accuracy one_shot --data omniglot="$OMNIGLOT")" ">=" 0.72
    row siamese "accuracy, 5 ways, 5 drawings" "$(value siamese_5 siamese.run accuracy one_shot --data omniglot="$OMNIGLOT")" ">=" 0.85
    row siamese "1 drawing, untrained (control)" "$(value siamese siamese0.run accuracy one_shot --data omniglot="$OMNIGLOT")" "<" 0.6
}
# Trained with one drawing of each character, tested with one and with five.
run_maml_omniglot() {
    have maml_omniglot "$OMNIGLOT" || return
    local where="--data omniglot=$OMNIGLOT"
    compile maml_omniglot mo1 && compile maml_omniglot mo5 -D shots=5 && compile maml_omniglot fo1 -D first_order=true || return
    # shellcheck disable=SC2086
    {
        trained mo1 mo.run $where || return
        row maml_omniglot "accuracy, 1 drawing, 1000 steps" "$(value mo1 mo.run accuracy $where)" ">=" 0.75
        row maml_omniglot "accuracy, 5 drawings" "$(value mo5 mo.run accuracy $where)" ">=" 0.90
        trained fo1 fo.run $where --steps 2000 || return
        row "  first order" "accuracy, 1 drawing, 2000 steps" "$(value mo1 fo.run accuracy $where)" ">=" 0.74
        row "  first order" "accuracy, 5 drawings" "$(value mo5 fo.run accuracy $where)" ">=" 0.90
        trained mo1 mo0.run $where --steps 0 || return
        row maml_omniglot "1 drawing, untrained (control)" "$(value mo1 mo0.run accuracy $where)" "<" 0.55
        row maml_omniglot "5 drawings, untrained (control)" "$(value mo5 mo0.run accuracy $where)" "<" 0.75
    }
}
run_reptile_omniglot() {
    have reptile_omniglot "$OMNIGLOT" && compile reptile_omniglot ro && trained ro ro.run --data omniglot="$OMNIGLOT" || return
    trained ro ro0.run --data omniglot="$OMNIGLOT" --steps 0 || return
    local shots
    for shots in 1 5; do
        compile reptile_omniglot ro$shots -D shots=$shots || return
        row reptile_omniglot "accuracy, $shots drawings" "$(value ro$shots ro.run accuracy --data omniglot="$OMNIGLOT")" ">=" $([ $shots = 1 ] && echo 0.62 || echo 0.86)
        row reptile_omniglot "untrained (control)" "$(value ro$shots ro0.run accuracy --data omniglot="$OMNIGLOT")" "<" $([ $shots = 1 ] && echo 0.55 || echo 0.80)
    done
}
run_ravi() {
    have ravi "$OMNIGLOT" && compile ravi ravi && trained ravi ravi.run --data omniglot="$OMNIGLOT" --steps 750 || return
    row ravi "accuracy, 5 drawings, 750 steps" "$(value ravi ravi.run accuracy --data omniglot="$OMNIGLOT")" ">=" 0.78
    trained ravi ravi0.run --data omniglot="$OMNIGLOT" --steps 0 || return
    row ravi "untrained (control)" "$(value ravi ravi0.run accuracy --data omniglot="$OMNIGLOT")" "<" 0.4
}
run_one_shot_vae() {
    have one_shot_vae "$OMNIGLOT" && compile one_shot_vae vae1 && trained vae1 vae1.run --data omniglot="$OMNIGLOT" || return
    local shown wrong blind
    shown=$(value vae1 vae1.run loss --data omniglot="$OMNIGLOT")
    wrong=$(value vae1 vae1.run wrong --data omniglot="$OMNIGLOT")
    compile one_shot_vae vae0 -D blind=true && trained vae0 vae0.run --data omniglot="$OMNIGLOT" || return
    blind=$(value vae0 vae0.run loss --data omniglot="$OMNIGLOT")
    row one_shot_vae "nats, one drawing shown" "$shown" "<" 133
    row one_shot_vae "more if nothing is shown ($blind)" "$(echo "$blind $shown" | awk '{ print $1 - $2 }')" ">=" 1.5
    row one_shot_vae "more if another is shown ($wrong)" "$(echo "$wrong $shown" | awk '{ print $1 - $2 }')" ">=" 5
}

ALL="digits mnist_mlp fashion_mlp lenet fashion_cnn resnet vgg finetune autoencoder vae rows adding
     copy_memory series names shakespeare gpt maml
     learned_optimizer hypergradient omniglot relation siamese maml_omniglot reptile_omniglot mann ravi hochreiter one_shot_vae"
line program measured reached must seconds ""
for page in ${*:-$ALL}; do
    declare -F run_$page >/dev/null || { echo "long.sh: no row $page; there are: $ALL" >&2; exit 2; }
    run_$page
done
echo "$passed reached what they must, $failed did not, $skipped skipped"
[ $failed = 0 ]
