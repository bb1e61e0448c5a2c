"""Plans with a mistake for every rule there is, in the order that they are told in."""

from worlds.bad_parts import NAME_RULE, Part, Wrong, phase_of
from worlds.bad_plan_of_a_provisioner import OF_A_PROVISIONER

OF_A_TEMPLATE: list[Part] = [
    Wrong('name = "Über"', 'name = "x"', f"name is 'Über'; {NAME_RULE}."),
    Wrong("repeats = 0", "repeats = 3", "repeats is 0; it must be from 1 to 1000 (3 or more to compare)."),
    "[settle]",
    Wrong(
        "within = 0",
        "within = 1",
        'settle.within is 0; nothing changes by less than that, write for example "1Mi".',
    ),
    Wrong(
        'over = "200s"',
        'over = "20s"',
        "settle.at_most (180s) is shorter than settle.over (200s), so it could never settle; make it longer.",
    ),
    "[source]",
    'kind = "template"',
    'file = "pod.yaml"',
    Wrong('clone = "b"', "", "source.file and source.clone are both there; remove one of them."),
    Wrong(
        'runtime_class = "g visor"',
        'runtime_class = "gvisor"',
        "source.runtime_class is 'g visor'; write the name of a RuntimeClass: a-z, 0-9, '-' and '.'.",
    ),
    *phase_of(
        *("scale", "a"),
        Wrong(
            "steps = []",
            "steps = [1]",
            "phase 1 (a): steps is empty; list numbers of sandboxes, for example [10, 50, 100].",
        ),
    ),
    *phase_of(
        *("scale", "b"),
        "steps = [5,",
        Wrong("0,", "6,", "phase 2 (b): steps, entry 2, is 0; it must be from 1 to 1000."),
        Wrong("5]", "7]", "phase 2 (b): steps has 5 more than once; use repeats to do a step again."),
        Wrong(
            'command = [""]',
            'command = ["ls"]',
            "phase 2 (b): command, entry 1, is empty; write the program to run.",
        ),
    ),
    *phase_of(
        "reuse",
        "c",
        Wrong("cycles = 0", "cycles = 1", "phase 3 (c): cycles is 0; it must be from 1 to 1000."),
    ),
    *phase_of(
        "http", "d", Wrong("port = 0", "port = 1", "phase 4 (d): port is 0; it must be from 1 to 65535.")
    ),
    *phase_of(
        *("http", "e"),
        Wrong('path = "/ä"', 'path = "/a"', "phase 5 (e): path is '/ä'; write what is not ASCII as %XX."),
    ),
    *phase_of(
        *("reuse", "f"),
        Wrong(
            'command = ["a", "\\u0000"]',
            'command = ["a", "b"]',
            "phase 6 (f): command, entry 2, has a NUL byte; no program can be given one, remove it.",
        ),
    ),
    *phase_of(
        *("mark", "g"),
        Wrong('ask = ""', 'ask = "x"', "phase 7 (g): ask is empty; write what the person is to do."),
    ),
    "[[phases]]",
    'do = "nothing"',
    Wrong('name = "a"', 'name = "h"', "2 phases are called 'a'; give each a name of its own."),
]

OF_A_SELECTOR: list[Part] = [
    'name = "x"',
    "[settle]",
    'over = "20s"',
    Wrong(
        'at_most = "20s"',
        'at_most = "60s"',
        "settle.at_most (20s) leaves no time beside settle.over (20s) for the agents' interval "
        "(2s unless set), so it could never settle; make it longer.",
    ),
    "[source]",
    'kind = "selector"',
    Wrong(
        'namespace = ""',
        'namespace = "x"',
        "source.namespace is empty; write a namespace's name: a-z, 0-9 and '-', at most 63.",
    ),
    Wrong(
        'selector = " "',
        'selector = "a=b"',
        'source.selector is empty; write a label selector, for example "app=deer-flow-sandbox".',
    ),
    Wrong("most = 1001", "most = 9", "source.most is 1001; it must be from 1 to 1000."),
    "[[phases]]",
    'name = "a"',
    Wrong(
        'do = "scale"\nsteps = [1]',
        'do = "nothing"',
        'phase 1 (a): do = "scale" makes sandboxes, and source.kind = "selector" cannot; '
        'use "template" or "provisioner", or remove the phase.',
    ),
]
OF_EVIDENCE: list[Part] = [
    'name = "x"',
    "[source]",
    'kind = "selector"',
    'selector = "a=b"',
    "[evidence]",
    Wrong(
        'driver = "ssh"',
        'driver = "aio"',
        "evidence.driver is 'ssh'; it must be one of exec, aio, deerflow, e2b, opensandbox, agent-sandbox.",
    ),
    Wrong("port = 0", "port = 8080", "evidence.port is 0; it must be from 1 to 65535."),
    Wrong(
        'gateway = "gateway:8001"',
        'gateway = "http://gateway:8001"',
        "evidence.gateway is 'gateway:8001'; write http://HOST:PORT.",
    ),
    Wrong(
        'gateway_headers = { X-API-Key = "s3cret!" }',
        'gateway_headers = { X-API-Key = "API_KEY" }',
        "evidence.gateway_headers.X-API-Key must name an environment variable, as X_API_KEY; "
        "a secret itself does not belong into a plan.",
    ),
    Wrong('users = ["a"]', 'users = ["a", "b"]', "evidence.users must be two different names; there are 1."),
    Wrong(
        'api = "http://u:p@e2b"',
        'api = "http://e2b"',
        "evidence.api holds credentials; "
        "put them into an environment variable that the driver's package reads.",
    ),
    Wrong(
        'prefix = "home"',
        'prefix = "/home"',
        "evidence.prefix is 'home'; write a directory, for example \"/home/user\".",
    ),
    Wrong("replicas = 101", "replicas = 3", "evidence.replicas is 101; it must be from 0 to 100."),
    *phase_of(
        *("evidence", "a"),
        'rows = ["Files",',
        Wrong(
            '"Memory"]',
            '"Paths"]',
            "phase 1 (a): rows, entry 2, is 'Memory'; there are Commands, Files, Uploads, Artifacts, Paths, "
            "Isolation, Cleanup, Operations.",
        ),
    ),
]
OF_A_PACKAGE: list[Part] = [
    'name = "x"',
    "[source]",
    'kind = "e2b"',
    'namespace = "cube"',
    Wrong(
        'label = "an id"',
        'label = "cube.example/id"',
        "source.label is 'an id'; write the label of the sandboxes' pods whose value is the id that the "
        'package answers, for example "opensandbox.io/id".',
    ),
    *phase_of("evidence", "a"),
]
OF_A_PROVIDER: list[Part] = [
    'name = "x"',
    "[source]",
    'kind = "deerflow"',
    Wrong(
        'namespace = "deer-flow"',
        "",
        "source.namespace is 'deer-flow'; remove it: its sandboxes are no pods that we see.",
    ),
    "[evidence]",
    'command = ["python3"]',
    *phase_of("evidence", "a"),
]
OF_A_POOL: list[Part] = [
    'name = "x"',
    "[source]",
    'kind = "agent-sandbox"',
    Wrong('label = "a/b"', "", "source.label is 'a/b'; remove it: the package tells the names of the pods."),
    "[evidence]",
    'template = "pool"',
    *phase_of("evidence", "a"),
]
OF_USERS: list[Part] = [
    'name = "x"',
    "[source]",
    'kind = "selector"',
    'selector = "a=b"',
    "[evidence]",
    Wrong(
        'driver = "deerflow"',
        'driver = "exec"',
        "evidence.command is missing; write what starts Python in DeerFlow's environment, for example "
        '["uv", "run", "--project", "deer-flow/backend", "python"].',
    ),
    'users = ["a",',
    Wrong('"B C"]', '"b"]', f"evidence.users, entry 2, is 'B C'; {NAME_RULE}."),
    *phase_of("evidence", "a"),
]
OF_REQUESTS: list[Part] = [
    'name = "x"',
    "[source]",
    'kind = "provisioner"',
    'create.url = "http://h/{id}"',
    Wrong(
        'delete.url = "http://h/x"',
        'delete.url = "http://h/{id}"',
        "source.delete names no {id}; put it into url or body, or it would delete we know not what.",
    ),
    Wrong(
        'reuse.url = "http://h/x"',
        'reuse.url = "http://h/{id}"',
        "source.reuse names no {id}; put it into url or body, or it would take we know not what.",
    ),
    Wrong(
        "",
        '[[phases]]\nname = "a"\ndo = "nothing"',
        "the plan has no phases; add at least one [[phases]] table.",
    ),
]
PLANS = {
    "requests": OF_REQUESTS,
    "provisioner": OF_A_PROVISIONER,
    "template": OF_A_TEMPLATE,
    "selector": OF_A_SELECTOR,
    "evidence": OF_EVIDENCE,
    "users": OF_USERS,
    "package": OF_A_PACKAGE,
    "provider": OF_A_PROVIDER,
    "pool": OF_A_POOL,
}
