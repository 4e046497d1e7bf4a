# next_lines.test.sh: pages stay short. If one of these grows, the language is to blame.
. tests/lib.sh
# lines FILE FIRST-LINE: of the declaration that begins so, comments and empty lines left out
lines() {
    awk -v first="$2" 'index($0, first) == 1 { inside = 1 }
        inside && !/^ *(#|$)/ { n++ } inside && /^}/ { print n; exit }' "$1"
}
short() { reaches "$1: at most $4 lines" "$(lines "$2" "$3")" "<=" "$4"; }
short "LeNet's model" examples/lenet.nn "model lenet(" 12
short lstm runtime/library/recurrent.nn "def lstm(" 14
short "MAML's training" examples/maml.nn "train net" 8
short attention runtime/library/attention.nn "def attention(" 6
short batch_norm runtime/library/layers.nn "def batch_norm(" 19
short adam runtime/library/optimizers.nn "optimizer adam(" 14
short "the training of prototypes" examples/prototypes.nn "train embed" 6
