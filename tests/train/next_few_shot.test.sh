# next_few_shot.test.sh: the examples that meet unknown characters, in a small form, where Omniglot is.
. tests/lib.sh
. tests/train/small.sh
O="--data omniglot=$DATA/omniglot"
if data "the characters of Omniglot" omniglot; then
    small prototypes "-D ways=5" $O --steps 60 && falls prototypes && says prototypes "" accuracy ">" 0.6 $O
    small matching "-D ways=5" $O --steps 60 && falls matching && says matching "" accuracy ">" 0.6 $O
    small relation "" $O --steps 60 && falls relation
    small siamese "" $O --steps 40 && falls siamese pairs && says siamese one_shot accuracy ">" 0.3 $O
    small maml_omniglot "" $O --steps 40 && falls maml_omniglot
    small maml_omniglot "-D first_order=true -D shots=2" $O --steps 40 && falls maml_omniglot
    small reptile_omniglot "" $O --steps 30 && says reptile_omniglot "" accuracy ">" 0.6 $O
    small ravi "-D shots=1" $O --steps 40 && falls ravi '' 1
    small one_shot_vae "" $O --steps 100 && falls one_shot_vae
    small one_shot_vae "-D blind=true" $O --steps 100 && falls one_shot_vae
fi
