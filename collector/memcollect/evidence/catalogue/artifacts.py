"""Artifacts: what is written to the outputs can be had through the gateway, now and later."""

from memcollect.evidence.checks import Check, Row
from memcollect.evidence.contents import Bulk, EveryByte, Text
from memcollect.evidence.demands import Header, Holds, Says, Status
from memcollect.evidence.steps import Artifact, Destroy, Get, Outlive, Put, Run, Take, Write

_GATEWAY = "DeerFlow's gateway: GET /api/threads/{thread}/artifacts/{path}"
_REFUSALS = (400, 403, 404)
_DEEP = 20
"""Directories, as many as user data may lie deep in the gateway."""

ROW = Row(
    name="Artifacts",
    evidence="Files written to /mnt/user-data/outputs are readable by the backend artifact API",
    checks=(
        Check(
            name="through-the-sandbox",
            asks="write an output with a command, download it through the sandbox's interface",
            expected="the same bytes",
            source="DeerFlow's sandbox contract: download_file",
            level="api",
            steps=(
                Run(
                    label="make",
                    command="mkdir -p {out}/{run} && printf 'an artifact' > {out}/{run}/api.txt && echo made",
                ),
                Get(label="get", path="{out}/{run}/api.txt"),
            ),
            demands=(
                Holds(of="get", material=Text("an artifact"), means="an output reads differently outside"),
            ),
        ),
        Check(
            name="at-once",
            asks="write an output, ask the gateway for it 2 s later",
            expected="200 and the same bytes",
            source=_GATEWAY,
            level="gateway",
            needs=("gateway",),
            steps=(
                Put(label="put", path="{out}/{run}/now.bin", material=EveryByte()),
                Outlive(label="pause", seconds=2.0),
                Artifact(label="get", path="{out}/{run}/now.bin"),
            ),
            demands=(
                Status(of="get", any_of=(200,), means="2 s after it was written an artifact is not served"),
                Holds(of="get", material=EveryByte(), means="an artifact is changed on its way"),
            ),
        ),
        Check(
            name="large",
            asks="write an output of 8 MiB, ask the gateway for it",
            expected="200 and the same bytes",
            source=_GATEWAY,
            level="gateway",
            needs=("gateway",),
            steps=(
                Put(label="put", path="{out}/{run}/large.bin", material=Bulk(8 << 20)),
                Artifact(label="get", path="{out}/{run}/large.bin"),
            ),
            demands=(
                Status(of="get", any_of=(200,), means="a large artifact is not served at once"),
                Holds(of="get", material=Bulk(8 << 20), means="a large artifact is changed on its way"),
            ),
            seconds=90.0,
        ),
        Check(
            name="range",
            asks="ask for bytes 2 to 5 of an artifact",
            expected="206 and these four bytes",
            source="RFC 9110, 14.2; DeerFlow's gateway serves ranges",
            level="gateway",
            needs=("gateway",),
            steps=(
                Write(label="write", path="{out}/{run}/range.txt", text="0123456789"),
                Artifact(label="get", path="{out}/{run}/range.txt", range="bytes=2-5"),
            ),
            demands=(
                Status(of="get", any_of=(200, 206), means="an artifact is not served at once"),
                Status(of="get", any_of=(206,), otherwise="differs", means="ranges are not served"),
                Says(of="get", exactly="2345", means="another range than was asked for"),
            ),
        ),
        Check(
            name="html",
            asks="ask for an artifact that is HTML with a script",
            expected="as a download, never shown in the page's own origin",
            source="DeerFlow's gateway serves HTML and SVG as downloads",
            level="gateway",
            needs=("gateway",),
            steps=(
                Write(label="write", path="{out}/{run}/page.html", text="<script>1</script>"),
                Artifact(label="get", path="{out}/{run}/page.html"),
            ),
            demands=(
                Status(of="get", any_of=(200,)),
                Header(
                    of="get",
                    name="content-disposition",
                    holds="attachment",
                    means="HTML of a sandbox is shown in the gateway's own origin",
                ),
            ),
        ),
        Check(
            name="svg",
            asks="ask for an artifact that is SVG with a script",
            expected="as a download",
            source="DeerFlow's gateway serves HTML and SVG as downloads",
            level="gateway",
            needs=("gateway",),
            steps=(
                Write(
                    label="write",
                    path="{out}/{run}/picture.svg",
                    text='<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>',
                ),
                Artifact(label="get", path="{out}/{run}/picture.svg"),
            ),
            demands=(
                Status(of="get", any_of=(200,)),
                Header(
                    of="get",
                    name="content-disposition",
                    holds="attachment",
                    means="SVG of a sandbox is shown in the gateway's own origin",
                ),
            ),
        ),
        Check(
            name="nested",
            asks="ask for an artifact in directories, with a name of several scripts",
            expected="200 and its text",
            source=_GATEWAY,
            level="gateway",
            needs=("gateway",),
            steps=(
                Write(label="write", path="{out}/{run}/a b/grüße-世界.txt", text="nested"),
                Artifact(label="get", path="{out}/{run}/a b/grüße-世界.txt"),
            ),
            demands=(
                Status(of="get", any_of=(200,), means="nested or Unicode names are not served at once"),
                Says(of="get", exactly="nested"),
            ),
        ),
        Check(
            name="missing",
            asks="ask for an artifact that does not exist",
            expected="404",
            source=_GATEWAY,
            level="gateway",
            needs=("gateway",),
            steps=(Artifact(label="get", path="{out}/{run}/there-is-none.txt"),),
            demands=(Status(of="get", any_of=(404,), means="what is not there is not told as such"),),
        ),
        Check(
            name="traversal",
            asks="ask for /etc/passwd by a path that climbs out of the outputs",
            expected="400, 403 or 404",
            source=_GATEWAY,
            level="gateway",
            needs=("gateway",),
            steps=(
                Artifact(label="plain", path=f"{{out}}/{'../' * _DEEP}etc/passwd"),
                Artifact(label="encoded", path=f"{{out}}/{'%2e%2e/' * _DEEP}etc/passwd"),
            ),
            demands=(
                Status(
                    of="plain", any_of=_REFUSALS, means="the gateway serves files outside of the user's data"
                ),
                Status(
                    of="encoded",
                    any_of=_REFUSALS,
                    means="the gateway serves files outside of the user's data",
                ),
            ),
        ),
        Check(
            name="after-the-sandbox",
            asks="write an output, delete the sandbox, ask the gateway for it",
            expected="200 and the same bytes",
            source=_GATEWAY,
            level="gateway",
            needs=("gateway",),
            steps=(
                Take(label="take", box="b", thread="kept"),
                Write(label="write", box="b", path="{out}/{run}/kept.txt", text="kept-{canary}"),
                Destroy(label="destroy", box="b"),
                Artifact(label="get", box="b", path="{out}/{run}/kept.txt"),
            ),
            demands=(
                Status(of="get", any_of=(200,), means="an artifact is lost with its sandbox"),
                Says(of="get", exactly="kept-{canary}", means="an artifact is lost with its sandbox"),
            ),
            seconds=240.0,
        ),
    ),
    seconds=600.0,
)
