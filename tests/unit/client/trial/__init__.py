# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A small enclave, its directory and honest logs, all in memory: what hostile tests start from."""
