# programs.test.sh: the programs of accept/ that bring their data run: a step has the same bytes compiled and interpreted, and in f64
# gradients agree with differences to order 2 (not where a `stop` makes them differ on purpose).
. tests/lib.sh
for name in copy_memory digits ema fomaml forecast_columns hochreiter iris learned_rate logistic maml maml_drawn matching_drawn meta_sgd \
    nested prototypes_drawn reptile_drawn residual siamese_drawn; do
    page=tests/sema/accept/$name.nn
    if ! "$NNC" run "$page" train --steps 1 --out "$TMP/compiled" --replace >"$TMP/out" 2>&1; then fail "$name runs" "$(tail -c 500 "$TMP/out")"; continue; fi
    if ! "$NNC" run --interpret "$page" train --steps 1 --out "$TMP/interpreted" --replace >"$TMP/out" 2>&1; then fail "$name is interpreted" "$(tail -c 500 "$TMP/out")"; continue; fi
    same "$name: the same bytes compiled and interpreted" "$TMP/compiled/model.safetensors" "$TMP/interpreted/model.safetensors"
done
for name in forecast_columns hochreiter learned_rate maml maml_drawn matching_drawn meta_sgd names_drawn nested one_shot_vae_drawn \
    prototypes_drawn residual siamese_drawn; do
    check "gradcheck --order 2: $name" "$NNC" run --dtype=f64 "tests/sema/accept/$name.nn" gradcheck --order 2 --samples 3
done
