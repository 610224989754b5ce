# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The coordination table's console: a web application on the reader's own machine.

Served on loopback to the holder of a one-time link. Keys and plaintext stay in this process.
"""
