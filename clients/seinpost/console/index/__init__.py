# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The console's index: every signal by row number, sealed on disk, with a few dozen bytes of each in memory.

``columns`` and what it is made of are pure: they order, filter and count. ``sealed_rows`` is the file: rows, texts and
columns sealed under the identity's storage key, in one transaction with the place where reading goes on.
"""
