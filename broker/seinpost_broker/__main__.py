# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The entry point of `seinpost-broker` and `python -m seinpost_broker`: says what is not installed."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command; exits with its status."""
    try:
        from .cli import main as run  # noqa: PLC0415 - what it needs is an extra, which may not be there
    except KeyboardInterrupt:
        sys.exit(130)
    except ModuleNotFoundError as error:
        print(
            f"seinpost-broker: {error.name} is not installed: run pip install 'seinpost[broker]'",
            file=sys.stderr,
        )
        sys.exit(4)
    run()


if __name__ == "__main__":
    main()
