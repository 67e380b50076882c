# SPDX-License-Identifier: Apache-2.0
"""pacsgate: one gate in front of every picture archive.

It decides for each request who may do what to which patient, study, series or
instance, filters every answer down to that, and writes the record before a byte
leaves.  `docs/architecture.md` tells one request's story, floor by floor.
"""

__version__ = "0.1.0"
