"""Secrets that are told by their own shape, wherever they stand. Pure."""

import re

MASK = "***"

_BLOCK = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}(?:PRIVATE KEY(?: BLOCK)?|PGP MESSAGE)-----.*?"
    r"(?:-----END [A-Z0-9 ]{0,40}(?:PRIVATE KEY(?: BLOCK)?|PGP MESSAGE)-----|$)",
    re.DOTALL,
)
_SCHEME = r"(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]{0,30}://)"
# What follows the colon of a host is a port; of a user it is a password, in which anything may stand.
_USER_AND_PASSWORD = re.compile(_SCHEME + r"[^\s/@:\"']{0,200}:(?!\d{1,5}(?:[/?#\s\"']|$))[^\s\"']{1,1000}@")
_USER = re.compile(_SCHEME + r"[^\s/@\"']{1,1000}@")
_HOOK = re.compile(r"(?P<before>hooks\.slack\.com/services/|discord(?:app)?\.com/api/webhooks/)[\w/-]{8,}")
_SHAPES = re.compile(
    r"(?<![\w-])(?:"
    r"eyJ[\w-]{5,}\.[\w-]+(?:\.[\w-]*)?"  # a JSON Web Token
    r"|sk-[\w-]{8,}|(?:sk|rk|pk)_(?:live|test)_\w{8,}|whsec_\w{8,}"
    r"|gh[pousr]_\w{8,}|github_pat_\w{8,}|gl(?:pat|ptt|dt|rt)-[\w-]{8,}|xox[abeoprs]-[\w-]{8,}|xapp-[\w-]{8,}"
    r"|(?:AKIA|ASIA)[A-Z0-9]{12,}|AIza[\w-]{20,}|ya29\.[\w-]{8,}|GOCSPX-[\w-]{8,}"
    r"|hf_\w{16,}|npm_\w{16,}|pypi-[\w-]{16,}|dckr_pat_[\w-]{8,}|dop_v1_\w{16,}|shp(?:at|ss|ca|pa)_\w{8,}"
    r"|SG\.[\w-]{8,}\.[\w-]{8,}|hv[sb]\.[\w-]{8,}|AGE-SECRET-KEY-1\w{8,}|nvapi-[\w-]{8,}|gsk_\w{16,}|r8_\w{16,}"
    r"|lin_api_\w{8,}|xkeysib-[\w-]{8,}|\d{8,10}:AA[\w-]{30,}|do[or]_v1_\w{16,}|gl(?:sa|c)_[\w+/=]{16,}"
    r"|ntn_\w{16,}|secret_\w{40,}|sbp_\w{16,}|nfp_\w{16,}|figd_[\w-]{16,}|sntry[su]_[\w+/=]{8,}|e2b_\w{16,}"
    r"|(?:xai|pplx|tvly|PMAK|CFPAT|pul|tskey-(?:auth|api|client))-[\w-]{16,}|NRAK-[A-Z0-9]{16,}|dapi[0-9a-f]{32}"
    r"|(?:LTAI|AKID|AKLT|AKCp)\w{13,}|AT[AC]TT3x\w{16,}|sq0(?:atp|csp)-[\w-]{16,}|lsv2_\w{16,}|tgp_v1_[\w-]{16,}"
    r"|eyJrIjoi[\w+/=]{16,}|\w{14}\.atlasv1\.[\w-]{20,}|dp\.(?:pt|st|ct|sa)\.[\w.-]{16,}|ops_eyJ[\w+/=]{16,}"
    r")"
)


def mask_blocks(text: str) -> str:
    """Mask private keys and messages in armour; one that is cut off is masked to the end."""
    return _BLOCK.sub(MASK, text)


def mask_urls(text: str) -> str:
    """Mask user and password of URLs, and the secret paths of web hooks."""
    text = _USER_AND_PASSWORD.sub(rf"\g<scheme>{MASK}@", text)
    text = _USER.sub(rf"\g<scheme>{MASK}@", text)
    return _HOOK.sub(rf"\g<before>{MASK}", text)


def mask_shapes(text: str) -> str:
    """Mask keys and tokens of the shapes that are known."""
    return _SHAPES.sub(MASK, text)
