#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
#
# lock.sh BIN: pins every package with its hashes; no index is named, so any mirror serves.
set -euo pipefail
cd "$(dirname "$0")/.."
compile=("$1/pip-compile" --quiet --generate-hashes --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-header
  --strip-extras --allow-unsafe --annotation-style=line --extra build)
"${compile[@]}" --extra broker --extra console -o requirements.lock pyproject.toml
"${compile[@]}" --extra broker --extra console --extra dev -o requirements-dev.lock pyproject.toml
