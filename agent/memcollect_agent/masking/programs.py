"""Secrets by where a well-known program takes them: `mysql -pV`, `curl -u user:V`. Pure."""

import re

from memcollect_agent.masking.shapes import MASK

_SQL = r"(?:mysql|mariadb)(?:dump|admin|sh|import|check|show|slap|-\w{1,12})?"
_WORD = r"(?:\"[^\"]{0,1000}(?:\"|$)|'[^']{0,1000}(?:'|$)|[^\s\"']+)"
_TAKERS = (
    (_SQL, r"-p"),
    (r"curl", r"(?:-u|--user|-U|--proxy-user|-b|--cookie)(?:\s+|=)?"),
    (r"wget|http|https|xh", r"(?:-a|--auth)(?:\s+|=)"),
    (r"redis-cli|valkey-cli|keydb-cli", r"-a\s+"),
    (
        r"sshpass|mongo(?:sh|dump|restore|export|import)?|docker|podman|nerdctl|helm|oras|skopeo",
        r"-p\s*(?![\w./-]*:)",
    ),
    (r"az|twine|cqlsh|beeline|rdesktop", r"-p\s*"),
    (r"ldap(?:search|modify|add|delete|passwd|whoami)", r"-w\s*"),
    (r"7z[ar]?|rar|unrar", r"-h?p"),
    (r"zip|unzip|sqlcmd|bcp|ipmitool|mosquitto_(?:pub|sub)", r"-P\s*"),
    (r"etcdctl", r"--user(?:\s+|=)"),
    (r"openssl", r"-k\s+"),
    (r"ssh-keygen", r"-[NP]\s+"),
    (r"htpasswd", r"-\w{0,5}b\w{0,5}\s+\S{1,200}\s+\S{1,200}\s+"),
    (r"rabbitmqctl", r"(?:add_user|change_password)\s+\S{1,200}\s+"),
    (r"vault", r"login\s+(?!-)(?!\w{1,40}=)"),
    (r"[wx]freerdp3?", r"/p:"),
    (r"plink|pscp|psftp", r"-pw\s+"),
    (r"snmp(?:get|walk|set|bulkwalk|table)", r"-[AXc]\s*"),
    (r"smbclient|net|rpcclient", r"-U\s*(?:[^\s%]{1,100}%)"),
)
_FIRST = r"(?:^|(?<=[\s/;|&(\"'`=]))"
_PATTERNS = tuple(
    re.compile(rf"(?P<before>{_FIRST}(?:{programs})(?=\s)[^|;&\n]{{0,300}}?\s{options})(?P<value>{_WORD})")
    for programs, options in _TAKERS
)
_SQL_USER = re.compile(
    rf"(?i)(?P<before>\bidentified\s{{1,8}}(?:with\s{{1,8}}\w{{1,40}}\s{{1,8}})?by\s{{1,8}}){_WORD}"
)
_SPOKEN = re.compile(
    rf"(?i)(?P<before>(?:\blogin\s{{1,8}}\S{{1,200}}\s{{1,8}}password|\bwith\s{{1,8}}password"
    rf"|\b(?:requirepass|masterauth))\s{{1,8}}(?![=:])){_WORD}"
)
"""As .netrc, SQL and Redis have it."""
_ORACLE = re.compile(r"(?P<before>\bjdbc:oracle:\w{1,10}:[^\s/@:\"']{1,60}/)[^\s@\"']+(?=@)")
_SQLPLUS = re.compile(rf"(?P<before>{_FIRST}sqlplus\s[^|;&\n]{{0,200}}?\b\w{{1,60}}/)[^\s@\"']+(?=@)")


def mask_of_programs(text: str) -> str:
    """Mask what known programs take as a secret, in the joined arguments or in a line of a shell."""
    for pattern in _PATTERNS:
        text = pattern.sub(rf"\g<before>{MASK}", text)
    for pattern in (_SQL_USER, _SPOKEN, _ORACLE, _SQLPLUS):
        text = pattern.sub(rf"\g<before>{MASK}", text)
    return text
