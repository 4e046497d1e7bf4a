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
    # torch.compile writes C++ that includes Python's headers
    if ! dpkg -s python3-venv python3-dev g++ >/dev/null 2>&1; then
        sudo=
        [ "$(id -u)" = 0 ] || sudo=sudo
        $sudo env DEBIAN_FRONTEND=noninteractive apt-get update -qq >&2
        $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-venv python3-dev g++ >&2
    fi
    python3 -m venv "$env"
    "$env/bin/pip" install -q numpy jax jaxlib optax >&2
    # the build without a GPU's libraries, which are some gigabytes, where pip is told of an index that has it (PIP_EXTRA_INDEX_URL)
    "$env/bin/pip" install -q torch==2.13.0+cpu 2>/dev/null || "$env/bin/pip" install -q torch >&2
    touch "$mark"
fi
exec "$env/bin/python" "bench/${1:-.}/run.py"
