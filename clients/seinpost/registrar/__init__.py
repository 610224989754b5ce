# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The register's life before it is published: written, checked, compared, explained and signed, offline."""
