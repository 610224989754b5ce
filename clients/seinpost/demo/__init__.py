# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The demonstration: a whole enclave on one machine, on real DISARM incidents (CC BY 4.0, see disarm/)."""
