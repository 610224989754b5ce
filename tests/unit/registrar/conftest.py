# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The shipped register in memory is shared with the integration tests."""

from __future__ import annotations

import sys
from pathlib import Path

# importlib mode puts no test directory on the path.
sys.path.append(str(Path(__file__).parents[2] / "integration"))
