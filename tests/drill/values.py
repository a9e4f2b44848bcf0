# SPDX-License-Identifier: MIT
"""values: what is stored. Every value of a run is different, so that each answer tells which write it shows.

A value is a short name, "7-123" (client and serial number), followed by a filling whose length follows from the name:
so the whole text can be checked, and only the name need be kept.
"""

import zlib

FILLINGS = (0, 0, 0, 0, 40, 40, 700, 5000)


def full(name):
    """The text that is stored for this name."""
    length = FILLINGS[zlib.crc32(name.encode()) % len(FILLINGS)]
    return f"{name}:{'x' * length}"


def short(text):
    """The name of a text that full() made; of anything else the text itself, shortened, with a mark that no name has."""
    if isinstance(text, str):
        name, colon, _ = text.partition(":")
        if colon and full(name) == text:
            return name
    return "!" + repr(text)[:80]
