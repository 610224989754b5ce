# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The entry point of `seinpost` and `python -m seinpost`: Ctrl-C while still loading is Ctrl-C too."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command; exits with its status."""
    try:
        from .cli import main as run  # noqa: PLC0415 - loading takes long enough to be interrupted

        run()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
