"""Bytes as a person reads them. Pure.

Binary units throughout, as `kubectl top` and the kernel's own files use them. No number other than
nought is ever shown as nought: the unit shrinks instead.
"""

UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
KEEPS_UNIT_BELOW_TENTHS = {"MiB": 100_000}
"""MiB stay MiB up to 10,000: a ladder whose rungs change their unit cannot be added up by eye."""
UNKNOWN = "?"
MINUS = "−"


def size(value: int | None) -> str:
    """Return `value` bytes with one decimal, e.g. "388.0 MiB"; "?" where it is not known."""
    if value is None:
        return UNKNOWN
    number, unit = _scaled(value)
    return f"{number} {unit}"


def short_size(value: int | None) -> str:
    """Return the same in at most seven columns for a narrow table, e.g. "388Mi", "85.8Mi", "−4.0Ki"."""
    if value is None:
        return UNKNOWN
    number, unit = _scaled(value)
    whole, _, tenth = number.partition(".")
    # From 100 on the tenth says little; half a unit is rounded away from nought as elsewhere.
    if tenth and len(whole.lstrip(MINUS)) > 2:
        rounded = int(whole.lstrip(MINUS)) + (int(tenth) >= 5)
        number = f"{MINUS if value < 0 else ''}{rounded}"
    return f"{number}{unit if unit == 'B' else unit.removesuffix('B')}"


def signed_size(value: int | None) -> str:
    """Return `value` bytes with its sign always shown: "+4.0 KiB", "−1.5 GiB", "0 B"."""
    return f"+{size(value)}" if value is not None and value > 0 else size(value)


def interval(low: int, high: int, *, signed: bool = False) -> str:
    """Return the closed interval, e.g. "120.0–128.0 MiB"; one number where the ends are equal.

    Negative or signed ends are set apart with "to", so that no dash is read as a minus.
    """
    show = signed_size if signed else size
    if low == high:
        return show(low)
    left, right = show(low), show(high)
    if signed or low < 0:
        return f"{left} to {right}"
    unit = right.rpartition(" ")[2]
    return f"{left.removesuffix(f' {unit}')}–{right}"


def share(part: int, whole: int) -> str:
    """Return `part` of `whole` in whole percent, e.g. "38 %"; "<1 %" for a trace, "" of nothing."""
    if whole <= 0:
        return ""
    if part == 0:
        return "0 %"
    percent = (abs(part) * 200 + whole) // (whole * 2)
    if percent == 0:
        return "<1 %"
    if percent == 100 and abs(part) < whole:
        return ">99 %"
    return f"{MINUS if part < 0 else ''}{percent} %"


def _scaled(value: int) -> tuple[str, str]:
    """Return the number's text and its unit, rounding half away from nought in whole arithmetic."""
    sign, magnitude = (MINUS, -value) if value < 0 else ("", value)
    if magnitude < 1024:
        return f"{sign}{magnitude}", UNITS[0]
    for power, unit in enumerate(UNITS[1:], start=1):
        divisor = 1024**power
        tenths = (magnitude * 20 + divisor) // (divisor * 2)
        if tenths < KEEPS_UNIT_BELOW_TENTHS.get(unit, 10240) or unit == UNITS[-1]:
            break
    return f"{sign}{tenths // 10}.{tenths % 10}", unit
