# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Which logs an enclave has: they follow from its register, so that none can be hidden."""

from __future__ import annotations

from .compartment import all_compartments
from .register import Register
from .subjects import admission_origin, directory_origin, log_origin


def origins_of(register: Register) -> frozenset[str]:
    """The directory, admission, and a log per compartment for every period that can be read and the next."""
    return frozenset(
        [
            directory_origin(register.enclave),
            admission_origin(register.enclave),
            *(
                log_origin(register.enclave, period, compartment)
                for period in (*register.periods.readable, register.periods.next)
                for compartment in all_compartments(register.ceiling_level)
            ),
        ]
    )
