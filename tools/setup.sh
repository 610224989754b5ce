#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
#
# setup.sh run|dev: the virtual environment from the lock file, and Debian packages where a real part needs one.
set -euo pipefail
cd "$(dirname "$0")/.."
what=${1:-run}
lock=requirements.lock
[ "$what" = dev ] && lock=requirements-dev.lock
say() { printf 'set-up: %s\n' "$*"; }

# apt PACKAGE...: install as root, otherwise name the one command that is needed.
apt() {
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    say "installing Debian packages: $*"
    { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"; } >/dev/null
  else
    say "needed and not here: run 'sudo apt-get install $*', then try again"
    exit 1
  fi
}

python=$(command -v python3.11 || command -v python3) || { say "Python 3.11 is needed"; exit 1; }
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { say "Python 3.11 or newer is needed"; exit 1; }
if [ ! -x .venv/bin/python ]; then
  "$python" -c 'import ensurepip' 2>/dev/null || apt python3-venv
  say "making a virtual environment in .venv"
  "$python" -m venv .venv
fi
say "upgrading pip"
.venv/bin/python -m pip install --quiet --disable-pip-version-check --upgrade pip
say "installing the locked packages of $lock"
.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r "$lock"
say "installing seinpost from this folder"
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
if [ "$what" = dev ]; then
  # The unit in deploy/systemd is checked by systemd's own tool.
  command -v systemd-analyze >/dev/null || apt systemd
  # The console's pages are tested in a real browser.
  [ -x /usr/bin/chromium ] || apt chromium fonts-dejavu-core
  # The README's pictures of them are in an open typeface.
  [ -e /usr/share/fonts/truetype/open-sans ] || apt fonts-open-sans
  # Keys in a token are tested with a software one; without it those tests say that they are skipped.
  command -v softhsm2-util >/dev/null || (apt softhsm2) || say "going on without softhsm2"
  touch .venv/.dev
fi
touch .venv/.run
say "done"
