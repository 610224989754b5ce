# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The broker: admits by the register, appends to the logs, answers; it can open nothing."""
