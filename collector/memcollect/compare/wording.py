"""Small words that the guard and the verdict share. Pure."""


def percent(share: float) -> str:
    """Return a share in whole percent, e.g. "95 %"."""
    return f"{share * 100:.0f} %"


def short_digest(sha256: str) -> str:
    """Return the first digits of a hash, enough to tell two apart by eye; any other word as it is."""
    return f"sha256 {sha256[:12]}…" if len(sha256) == 64 else sha256


def odds(chance: float) -> str:
    """Return a chance above 0 as a person says it: "1 time in 10"."""
    times = round(1 / chance)
    return f"1 time in {times}" if times > 1 else "every time"
