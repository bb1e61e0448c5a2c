"""A plan with most of the mistakes there are, in the order that they are told in."""

from worlds.bad_parts import NAME_RULE, Part, Wrong, phase_of

_METHODS = "GET, POST, PUT, PATCH, DELETE"
_DO = "nothing, exec, http, wait, mark, reuse, scale, evidence"
_PROVISIONER = (
    "kind, namespace, create, delete, release, reuse, pod, headers, container, ready_within, request_timeout"
)
_KNOWN = "only {id}, {run}, {namespace}, {thread} and {user} are known"
_LENGTH = 'it must be a length of time, as "500ms", "20s" or "2m"'


OF_A_PROVISIONER: list[Part] = [
    Wrong('nmae = "x"', 'name = "x"', "the plan has no key 'nmae' (did you mean 'name'?)."),
    Wrong("version = 1.5", 'version = "1.5"', "version is 1.5; it must be text in quotes."),
    Wrong('repeats = "three"', "repeats = 3", "repeats is 'three'; it must be a whole number."),
    Wrong("schema = 2", "schema = 1", "schema is 2; write 1, which is what this memcollect reads."),
    Wrong('backend = "My Disk"', 'backend = "disk"', f"backend is 'My Disk'; {NAME_RULE}."),
    Wrong('poll = "1ms"', 'poll = "1s"', 'poll is 0.001s; it must be from "50ms" to "10s".'),
    "[settle]",
    Wrong(
        'within = "1 MB"',
        'within = "1Mi"',
        'settle.within is \'1 MB\'; it must be a size, as "1Mi" or "512Ki".',
    ),
    Wrong('at_most = "25h"', 'at_most = "1m"', "settle.at_most is '25h'; it must be from 0 to \"24h\"."),
    Wrong(
        "over = 0",
        'over = "9s"',
        'settle.over is 0; write over how long it must be quiet, for example "20s".',
    ),
    "[source]",
    'kind = "provisioner"',
    Wrong('most = "1"', "", f"source has no key 'most'; remove it (there are {_PROVISIONER})."),
    Wrong(
        'create.method = "FETCH"',
        'create.method = "PUT"',
        f"source.create.method is 'FETCH'; it must be one of {_METHODS}.",
    ),
    Wrong("delete.body = 3", 'delete.body = ""', "source.delete.body is 3; it must be text in quotes."),
    Wrong("headers.X-A = 1", 'headers.X-A = "A"', "source.headers.X-A is 1; it must be text in quotes."),
    Wrong(
        'namespace = "Deer Flow"',
        'namespace = "deer-flow"',
        "source.namespace is 'Deer Flow'; write a namespace's name: a-z, 0-9 and '-', at most 63.",
    ),
    Wrong(
        "ready_within = 0",
        'ready_within = "9s"',
        "source.ready_within is 0; write how long a sandbox may take to be ready.",
    ),
    Wrong(
        'pod = "sandbox"',
        'pod = "sandbox-{id}"',
        "source.pod is 'sandbox'; write a pod's name with {id} in it, for example \"sandbox-{id}\".",
    ),
    Wrong(
        "request_timeout = 0",
        'request_timeout = "9s"',
        "source.request_timeout is 0; write how long an answer may take.",
    ),
    Wrong(
        'headers."X B" = "B"',
        'headers.X-B = "B"',
        "source.headers has 'X B', which is no header's name; use letters, digits and '-', as X-API-Key.",
    ),
    Wrong(
        'headers.X-C = "sk-live-abc"',
        'headers.X-C = "C"',
        "source.headers.X-C must name an environment variable, as X_API_KEY; "
        "a secret itself does not belong into a plan.",
    ),
    Wrong(
        'create.body = ""',
        'create.body = "{id}"',
        "source.create names no {id}; put it into url or body, or sandboxes could not be told apart.",
    ),
    Wrong(
        'release.body = ""',
        'release.body = "{id}"',
        "source.release names no {id}; put it into url or body, or it would release we know not what.",
    ),
    Wrong(
        'create.url = "ftp://h/x"',
        'create.url = "http://h/x"',
        "source.create.url is 'ftp://h/x'; write http://HOST:PORT/PATH.",
    ),
    Wrong(
        'delete.url = "http://me:secret@h/{id}"',
        'delete.url = "http://h/{id}"',
        "source.delete.url holds credentials; put them into an environment variable and headers.",
    ),
    Wrong(
        'release.url = "http://h/{sandbox}"',
        'release.url = "http://h/x"',
        f"source.release.url has {{sandbox}}; {_KNOWN}.",
    ),
    Wrong(
        'reuse.url = "http://h/{id}#x"',
        'reuse.url = "http://h/{id}"',
        "source.reuse.url has a part after #, which is never sent; remove it.",
    ),
    Wrong(
        'reuse.content_type = ""',
        'reuse.content_type = "text/plain"',
        "source.reuse.content_type is ''; write a header's value, for example \"application/json\".",
    ),
    *phase_of(
        *("exec", "a"),
        Wrong(
            'command = "ls"',
            'command = ["ls"]',
            "phase 1 (a): command is 'ls'; it must be a list in brackets, as [\"…\"].",
        ),
        Wrong(
            "time_limit = 0", 'time_limit = "9s"', "phase 1 (a): time_limit is 0; write how long it may take."
        ),
    ),
    *phase_of(
        *("exec", "b"),
        Wrong("settle = 3", "settle = {}", "phase 2 (b): settle is 3; it must be a table of keys."),
        Wrong("", 'command = ["ls"]', 'phase 2 (b) has no command; add `command = ["…"]`.'),
    ),
    *phase_of(
        *("exec", "c"),
        Wrong(
            "command = []",
            'command = ["ls"]',
            'phase 3 (c): command is empty; write it as a list, for example ["sh", "-c", "true"].',
        ),
    ),
    "[[phases]]",
    'name = "d"',
    'command = ["ls"]',
    Wrong(
        'do = "exce"',
        'do = "exec"',
        f"phase 4 (d): do is 'exce'; it must be one of {_DO} (did you mean 'exec'?).",
    ),
    Wrong('time_limit = "soon"', "", f"phase 4 (d): time_limit is 'soon'; {_LENGTH}."),
    "[[phases]]",
    'name = "e"',
    Wrong("", 'do = "nothing"', f'phase 5 (e) has no do; add `do = "…"`, one of {_DO}.'),
    "[[phases]]",
    'do = "nothing"',
    Wrong('name = "After Bash"', 'name = "f"', f"phase 6 (After Bash): name is 'After Bash'; {NAME_RULE}."),
    *phase_of(
        *("http", "g"),
        Wrong('port = "80"', "port = 80", "phase 7 (g): port is '80'; it must be a whole number."),
        Wrong(
            'path = "x"', 'path = "/x"', "phase 7 (g): path is 'x'; it must begin with / and hold no spaces."
        ),
        Wrong(
            'content_type = " "',
            'content_type = "a/b"',
            "phase 7 (g): content_type is ' '; write a header's value, for example \"application/json\".",
        ),
        Wrong(
            "expect = []",
            "expect = [200]",
            "phase 7 (g): expect is empty; list the good HTTP statuses, for example [200].",
        ),
    ),
    *phase_of(
        *("http", "h"),
        "expect = [200,",
        Wrong('"x",', "202,", "phase 8 (h): expect, entry 2, is 'x'; it must be a whole number."),
        Wrong("99]", "201]", "phase 8 (h): expect, entry 3, is 99; HTTP statuses are from 100 to 599."),
    ),
    "[[phases]]",
    'do = "nothing"',
    Wrong("", 'name = "i"', 'phase 9 has no name; add `name = "…"`.'),
    "[[phases]]",
    'name = "j"',
    Wrong("do = 3", 'do = "nothing"', f"phase 10 (j): do is 3; it must be one of {_DO}."),
]
"""Most of what may be wrong, in one plan."""
