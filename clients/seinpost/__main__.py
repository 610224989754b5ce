# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""`python -m seinpost`."""

from .cli import main

if __name__ == "__main__":
    main()
