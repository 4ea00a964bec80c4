# Sourced by the scripts beside it: a virtual environment with what the extras name, made once.
# shellcheck shell=sh

CDPATH='' cd -- "$(dirname "$0")/.." || exit 1

find_python() {
    for candidate in python3 python3.13 python3.12 python3.11 python3.10; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    echo "Python 3.10 or newer is needed, and none was found. Install it and run this again." >&2
    return 1
}

make_venv() {
    python=$(find_python) || exit 1
    echo "Making .venv with $("$python" --version)"
    "$python" -m venv --clear .venv || {
        rm -rf .venv
        echo "Could not make .venv: is Python's venv module installed (Debian: python3-venv)?" >&2
        exit 1
    }
}

# venv_with EXTRAS: .venv holds this project, editable, with these extras; nothing is done when it
# does already.
venv_with() {
    stamp=".venv/.installed-$(echo "$1" | tr ',' '-')"
    wanted=$(cat pyproject.toml setup.py | cksum)
    # The install also packs V3's contracts (setup.py): anew where that file was removed.
    if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ] || [ ! -f ocean_lib/v3_contracts.json ]; then
        # Also when it is half made: an interruption may have left one without pip.
        .venv/bin/python -m pip --version > /dev/null 2>&1 || make_venv
        echo "Installing ocean-compute[$1] into .venv (about a minute, the first time)"
        .venv/bin/python -m pip install --quiet --disable-pip-version-check -e ".[$1]" || exit 1
        echo "$wanted" > "$stamp"
    fi
}
