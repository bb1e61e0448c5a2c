"""Bytes as people read them. Pure."""

KIB = 1 << 10
MIB = 1 << 20
GIB = 1 << 30


def human_bytes(size_bytes: int) -> str:
    """Return a size in the largest binary unit that keeps it ≥ 1, e.g. "388 MiB", "1.4 GiB", "12 B".

    Three significant digits; whole numbers from 100 upwards. A size that is not zero never reads as zero.
    """
    sign, size = ("−" if size_bytes < 0 else ""), abs(size_bytes)
    if size < KIB:
        return f"{sign}{size} B"
    for unit, name in ((KIB, "KiB"), (MIB, "MiB"), (GIB, "GiB"), (GIB << 10, "TiB")):
        scaled = size / unit
        if scaled < 999.5 or name == "TiB":
            return f"{sign}{_three_digits(scaled)} {name}"
    raise AssertionError("unreachable: TiB takes all that is left")


def _three_digits(number: float) -> str:
    if number >= 99.95:
        return f"{number:.0f}"
    text = f"{number:.1f}" if number >= 9.995 else f"{number:.2f}"
    return text.rstrip("0").rstrip(".")
