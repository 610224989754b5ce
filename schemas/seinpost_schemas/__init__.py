# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The contract of Seinpost: formats, rules and errors; pure, without network, disk or clock.

The normative text is ``docs/spec.md``. Import the modules: each holds one thing.
"""
