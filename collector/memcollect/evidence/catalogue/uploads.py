"""Uploads: what a user uploads is in the sandbox, whenever it was uploaded."""

from memcollect.evidence.checks import Check, Row
from memcollect.evidence.contents import Bulk, EveryByte, Text
from memcollect.evidence.demands import Answered, Finds, Recorded, Refused, Says, Status
from memcollect.evidence.steps import Get, ListDir, Put, Run, Take, Unload, Upload, Uploads

_GATEWAY = "DeerFlow's gateway: POST /api/threads/{thread}/uploads"
_EVERY_BYTE_SHA256 = "785b0751fc2c53dc14a4ce3d800e69ef9ce1009eb327ccf458afe09c242c26c9"
_GOOD = (200, 201)

ROW = Row(
    name="Uploads",
    evidence="Files uploaded by the gateway are visible inside the sandbox",
    checks=(
        Check(
            name="put-is-visible",
            asks="write a file to the uploads through the sandbox's interface, hash it inside",
            expected="the same SHA-256",
            source="DeerFlow's sandbox contract: update_file",
            level="api",
            steps=(
                Put(label="put", path="{up}/{run}-put.bin", material=EveryByte()),
                Run(label="hash", command="sha256sum < {up}/{run}-put.bin; rm -f {up}/{run}-put.bin"),
            ),
            demands=(
                Says(
                    of="hash", holds=(_EVERY_BYTE_SHA256,), means="an uploaded file is changed or not there"
                ),
            ),
        ),
        Check(
            name="listed",
            asks="list the uploads through the sandbox's interface",
            expected="the file is there",
            source="DeerFlow's sandbox contract: list_dir",
            level="api",
            steps=(
                Put(label="put", path="{up}/{run}-list.txt", material=Text("listed")),
                ListDir(label="list", path="{up}"),
                Run(label="remove", command="rm -f {up}/{run}-list.txt"),
            ),
            demands=(Finds(of="list", holds=("/{run}-list.txt",), means="an upload is not listed"),),
        ),
        Check(
            name="after-creation",
            asks="upload through the gateway while the sandbox runs",
            expected="visible inside, byte by byte",
            source=_GATEWAY,
            level="gateway",
            needs=("gateway",),
            steps=(
                Upload(label="upload", names=("{run}-after.bin",), material=EveryByte()),
                Run(label="hash", command="sha256sum < {up}/{run}-after.bin"),
            ),
            demands=(
                Status(of="upload", any_of=_GOOD),
                Says(
                    of="hash",
                    holds=(_EVERY_BYTE_SHA256,),
                    means="an upload to a running sandbox is not seen in it at once",
                ),
            ),
        ),
        Check(
            name="before-creation",
            asks="upload through the gateway before there is a sandbox",
            expected="visible inside, byte by byte",
            source=_GATEWAY,
            level="gateway",
            needs=("gateway",),
            steps=(
                Upload(label="upload", box="b", names=("{run}-before.bin",), material=EveryByte()),
                Take(label="take", box="b"),
                Run(label="hash", box="b", command="sha256sum < {up}/{run}-before.bin"),
            ),
            demands=(
                Status(of="upload", any_of=_GOOD),
                Says(
                    of="hash",
                    holds=(_EVERY_BYTE_SHA256,),
                    means="an upload from before the sandbox is not seen in it at its beginning",
                ),
            ),
            seconds=240.0,
        ),
        Check(
            name="writable",
            asks="append to an upload in the sandbox",
            expected="it can be changed",
            source="DeerFlow mounts /mnt/user-data read-write",
            level="gateway",
            needs=("gateway",),
            steps=(
                Upload(label="upload", names=("{run}-write.txt",), material=Text("uploaded")),
                Run(
                    label="append",
                    command="printf -- -changed >> {up}/{run}-write.txt; cat {up}/{run}-write.txt",
                ),
            ),
            demands=(Says(of="append", exactly="uploaded-changed", means="an upload cannot be changed"),),
        ),
        Check(
            name="downloadable",
            asks="read an upload through the sandbox's interface",
            expected="the same text",
            source="DeerFlow's sandbox contract: download_file",
            level="gateway",
            needs=("gateway",),
            steps=(
                Upload(label="upload", names=("{run}-get.txt",), material=Text("read me")),
                Get(label="get", path="{up}/{run}-get.txt"),
            ),
            demands=(Says(of="get", exactly="read me", means="the sandbox's interface gives another text"),),
        ),
        Check(
            name="twice",
            asks="upload the same name twice",
            expected="the second replaces the first, or has another name: written down",
            source=_GATEWAY,
            level="gateway",
            needs=("gateway",),
            steps=(
                Upload(label="first", names=("{run}-twice.txt",), material=Text("first")),
                Upload(label="second", names=("{run}-twice.txt",), material=Text("second")),
                Run(label="look", command="cat {up}/{run}-twice*; echo"),
            ),
            demands=(
                Status(of="second", any_of=(*_GOOD, 409)),
                Says(of="look", holds=("second",), means="the second upload is lost", otherwise="differs"),
                Recorded(of="look"),
            ),
        ),
        Check(
            name="unsafe-name",
            asks="upload ../../{run}-x.txt",
            expected="kept below the uploads under a safe name, or refused",
            source="seen in DeerFlow's gateway: it keeps x.txt",
            level="gateway",
            needs=("gateway",),
            steps=(
                Upload(label="upload", names=("../../{run}-x.txt",), material=Text("outside")),
                Run(
                    label="look",
                    command="for f in {up}/../../{run}-x.txt {up}/../{run}-x.txt /{run}-x.txt; do "
                    '[ -e "$f" ] && echo "outside: $f"; done; echo looked',
                ),
            ),
            demands=(
                Status(of="upload", any_of=(*_GOOD, 400, 403, 422)),
                Says(
                    of="look",
                    lacks=("outside",),
                    holds=("looked",),
                    means="an upload can leave its directory",
                ),
            ),
        ),
        Check(
            name="too-many",
            asks="upload 11 files at once",
            expected="413, as the limit is 10",
            source="DeerFlow's gateway: 10 files, 50 MB each, 100 MB in all",
            level="gateway",
            needs=("gateway",),
            steps=(
                Upload(
                    label="upload",
                    names=tuple(f"{{run}}-many-{n}.txt" for n in range(11)),
                    material=Text("1"),
                ),
            ),
            demands=(Status(of="upload", any_of=(413,), otherwise="differs", means="the limit is not kept"),),
        ),
        Check(
            name="too-large",
            asks="upload 50 MiB and a byte",
            expected="413, as the limit is 50 MB",
            source="DeerFlow's gateway: 10 files, 50 MB each, 100 MB in all",
            level="gateway",
            needs=("gateway",),
            steps=(Upload(label="upload", names=("{run}-large.bin",), material=Bulk((50 << 20) + 1)),),
            demands=(Status(of="upload", any_of=(413,), otherwise="differs", means="the limit is not kept"),),
            seconds=120.0,
        ),
        Check(
            name="deleted",
            asks="delete an upload through the gateway",
            expected="it is gone inside, and from the list",
            source="DeerFlow's gateway: DELETE …/uploads/{name}",
            level="gateway",
            needs=("gateway",),
            steps=(
                Upload(label="upload", names=("{run}-gone.txt",), material=Text("gone soon")),
                Unload(label="delete", name="{run}-gone.txt"),
                Get(label="get", path="{up}/{run}-gone.txt"),
                Uploads(label="list"),
            ),
            demands=(
                Status(of="delete", any_of=(200, 202, 204)),
                Refused(of="get", means="right after its deletion an upload is still in the sandbox"),
                Says(
                    of="list",
                    lacks=("{run}-gone.txt",),
                    means="right after its deletion an upload is still listed",
                ),
                Answered(of="list"),
            ),
        ),
    ),
    seconds=600.0,
)
