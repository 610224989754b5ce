# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What these tests share: enclaves on disk and in memory, forged envelopes, hostile stores, an auditor."""
