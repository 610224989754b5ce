# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The shared harness: importlib mode puts no test directory on the path."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / "integration"))
sys.path.append(str(Path(__file__).parents[1] / "client"))
