#!/bin/sh
# run.sh: `make bench`: an environment of its own with PyTorch and JAX under $BUILD/bench-env, then run.py in it; `run.sh kernels`:
# kernels/run.py. See README.md.
set -e
cd "$(dirname "$0")/.."
BUILD=${BUILD:-build}
export BUILD
env=$BUILD/bench-env
mark=$env/complete-1
if [ ! -e "$mark" ]; then
    echo "bench: PyTorch and JAX into $env (once)" >&2
    if ! python3 -m venv "$env" 2>/dev/null; then
        apt-get install -y -q python3-venv >&2
        python3 -m venv "$env"
    fi
    "$env/bin/pip" install -q numpy jax jaxlib optax >&2
    "$env/bin/pip" install -q torch --extra-index-url https://download.pytorch.org/whl/cpu >&2 ||
        "$env/bin/pip" install -q torch >&2
    touch "$mark"
fi
exec "$env/bin/python" "bench/${1:-.}/run.py"
