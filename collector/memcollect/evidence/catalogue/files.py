"""Files: what is written can be read again, byte by byte, listed and searched, and nothing else can."""

from memcollect.evidence.checks import Check, Row
from memcollect.evidence.contents import Bulk, EveryByte, Text
from memcollect.evidence.demands import (
    Answered,
    Finds,
    Holds,
    Matched,
    Recorded,
    Refused,
    Same,
    Says,
)
from memcollect.evidence.port import Pattern
from memcollect.evidence.steps import Get, Glob, Grep, ListDir, Put, Read, Run, Write

_CONTRACT = "DeerFlow's sandbox contract"
_EVERY_BYTE_SHA256 = "785b0751fc2c53dc14a4ce3d800e69ef9ce1009eb327ccf458afe09c242c26c9"
_LARGE = Bulk(50 << 20)
_FIVE_LINES = "one\ntwo\nthree\nfour\nfive\n"
_SEARCHED = (
    "mkdir -p {dir}/find/deep && cd {dir}/find && printf 'Alpha.1\\nbeta\\n' > a.txt && printf 'alphaX1\\n' > deep/b.txt"
    " && printf 'alpha.1\\n' > c.md && printf 'alpha.1\\000\\n' > d.bin && echo ready"
)

ROW = Row(
    name="Files",
    evidence="read_file, write_file, binary update_file, list_dir, glob, grep",
    checks=(
        Check(
            name="round-trip",
            asks="write text, read it",
            expected="the same text",
            source=_CONTRACT,
            steps=(
                Write(label="write", path="{dir}/a.txt", text="grüße\n\ttab\nno line break at the end"),
                Read(label="read", path="{dir}/a.txt"),
            ),
            demands=(
                Holds(
                    of="read",
                    material=Text("grüße\n\ttab\nno line break at the end"),
                    means="text is changed on its way",
                ),
            ),
        ),
        Check(
            name="append",
            asks="append to a file",
            expected="both texts, in order",
            source=_CONTRACT,
            steps=(
                Write(label="write", path="{dir}/a.txt", text="first\n"),
                Write(label="append", path="{dir}/a.txt", text="second\n", append=True),
                Read(label="read", path="{dir}/a.txt"),
            ),
            demands=(Says(of="read", exactly="first\nsecond\n", means="appending loses what was there"),),
        ),
        Check(
            name="append-to-error",
            asks="append to a file that begins with “Error:”",
            expected="both texts, in order",
            source="seen in DeerFlow's AIO provider: it takes such a text for a failure, and overwrites it",
            steps=(
                Write(label="write", path="{dir}/e.txt", text="Error: is only a word\n"),
                Write(label="append", path="{dir}/e.txt", text="second\n", append=True),
                Read(label="read", path="{dir}/e.txt"),
            ),
            demands=(
                Says(
                    of="read",
                    exactly="Error: is only a word\nsecond\n",
                    means="a file that begins with “Error:” is overwritten",
                ),
            ),
        ),
        Check(
            name="line-range",
            asks="read lines 2 to 4 of five",
            expected="exactly these, counted from 1, both ends included",
            source=_CONTRACT,
            steps=(
                Write(label="write", path="{dir}/l.txt", text=_FIVE_LINES),
                Read(label="read", path="{dir}/l.txt", first=2, last=4),
            ),
            demands=(Says(of="read", exactly="two\nthree\nfour", means="other lines than were asked for"),),
        ),
        Check(
            name="past-the-end",
            asks="read lines 4 to 99 of five",
            expected="the last two",
            source=_CONTRACT,
            steps=(
                Write(label="write", path="{dir}/l.txt", text=_FIVE_LINES),
                Read(label="read", path="{dir}/l.txt", first=4, last=99),
            ),
            demands=(Says(of="read", exactly="four\nfive", means="other lines than there are"),),
        ),
        Check(
            name="missing-file",
            asks="read a file that does not exist",
            expected="an error: not found",
            source=f"{_CONTRACT}: OSError",
            steps=(Read(label="read", path="{dir}/there-is-none.txt"),),
            demands=(Refused(of="read", kinds=("not-found",), means="a missing file reads as an empty one"),),
        ),
        Check(
            name="every-byte-in",
            asks="write 1,024 bytes of every value, hash them inside",
            expected="the same SHA-256",
            source=f"{_CONTRACT}: update_file",
            steps=(
                Put(label="put", path="{dir}/bytes", material=EveryByte()),
                Run(label="hash", command="sha256sum < {dir}/bytes"),
            ),
            demands=(
                Says(
                    of="hash", holds=(_EVERY_BYTE_SHA256,), means="binary files are changed on their way in"
                ),
            ),
        ),
        Check(
            name="every-byte-out",
            asks="make 1,024 bytes of every value inside, download them",
            expected="the same bytes",
            source=f"{_CONTRACT}: download_file",
            steps=(
                Run(
                    label="make",
                    command='mkdir -p {dir} && i=0; while [ $i -lt 256 ]; do printf "\\\\$(printf %03o $i)"; i=$((i+1)); done > {dir}/.one'
                    " && cat {dir}/.one {dir}/.one {dir}/.one {dir}/.one > {dir}/made && wc -c < {dir}/made",
                ),
                Get(label="get", path="{dir}/made"),
            ),
            demands=(
                Says(of="make", holds=("1024",)),
                Holds(of="get", material=EveryByte(), means="binary files are changed on their way out"),
            ),
        ),
        Check(
            name="large-file",
            asks="write 50 MiB, hash them inside, download them",
            expected="the same bytes both ways",
            source="DeerFlow's gateway takes files of 50 MB",
            steps=(
                Put(label="put", path="{dir}/large", material=_LARGE),
                Run(label="hash", command="sha256sum < {dir}/large"),
                Get(label="get", path="{dir}/large"),
                Run(label="remove", command="rm -f {dir}/large"),
            ),
            demands=(
                Says(of="hash", holds=("{sha256_of_50_mib}",), means="a large file is changed on its way in"),
                Holds(of="get", material=_LARGE, means="a large file is changed on its way out"),
            ),
            seconds=180.0,
        ),
        Check(
            name="over-the-limit",
            asks="download a file of one byte more than the limit",
            expected="an error that says so",
            source=f"{_CONTRACT}: downloads of at most 100 MB",
            needs=("download-limit",),
            steps=(
                Run(
                    label="make",
                    command="mkdir -p {dir} && truncate -s {over_download_limit_bytes} {dir}/huge && echo made",
                ),
                Get(label="get", path="{dir}/huge"),
                Run(label="remove", command="rm -f {dir}/huge"),
            ),
            demands=(Refused(of="get", means="the limit of downloads is not kept", otherwise="differs"),),
            seconds=120.0,
        ),
        Check(
            name="parents",
            asks="write a file in directories that do not exist",
            expected="they are made",
            source=_CONTRACT,
            steps=(
                Write(label="write", path="{dir}/new/deep/er/a.txt", text="made\n"),
                Run(label="look", command="cat {dir}/new/deep/er/a.txt"),
            ),
            demands=(Says(of="look", exactly="made\n", means="directories are not made"),),
        ),
        Check(
            name="list-depth",
            asks="list a directory two levels deep",
            expected="both levels, and nothing below",
            source=f"{_CONTRACT}: list_dir, depth 2",
            steps=(
                Run(
                    label="make",
                    command="mkdir -p {dir}/ls/one/two/three && touch {dir}/ls/f {dir}/ls/one/f1 "
                    "{dir}/ls/one/two/f2 && echo made",
                ),
                ListDir(label="list", path="{dir}/ls"),
            ),
            demands=(
                Finds(of="list", holds=("ls/f", "ls/one", "one/f1"), means="the list lacks files"),
                Finds(
                    of="list",
                    lacks=("two/f2", "two/three"),
                    means="the list goes deeper",
                    otherwise="differs",
                ),
            ),
        ),
        Check(
            name="list-hidden",
            asks="list hidden and usually ignored names",
            expected="shown or left out: written down",
            source="DeerFlow's list_dir leaves some names out",
            steps=(
                Run(
                    label="make",
                    command="mkdir -p {dir}/hid/node_modules {dir}/hid/.git && touch {dir}/hid/.hidden "
                    "{dir}/hid/shown && echo made",
                ),
                ListDir(label="list", path="{dir}/hid"),
            ),
            demands=(Finds(of="list", holds=("hid/shown",)), Recorded(of="list")),
        ),
        Check(
            name="list-missing",
            asks="list a directory that does not exist",
            expected="an error: not found",
            source=_CONTRACT,
            steps=(ListDir(label="list", path="{dir}/there-is-none"),),
            demands=(
                Refused(
                    of="list",
                    kinds=("not-found",),
                    means="a missing directory reads as an empty one",
                    otherwise="differs",
                ),
            ),
        ),
        Check(
            name="list-many",
            asks="list a directory of 1,500 files",
            expected="all, or a cut: written down",
            source="DeerFlow's ls is cut at 20,000 characters",
            steps=(
                Run(
                    label="make",
                    command="mkdir -p {dir}/many && cd {dir}/many && seq -w 1 1500 | xargs touch && ls | wc -l",
                ),
                ListDir(label="list", path="{dir}/many", depth=1),
                Run(label="remove", command="rm -rf {dir}/many"),
            ),
            demands=(Says(of="make", holds=("1500",)), Recorded(of="list")),
            seconds=60.0,
        ),
        Check(
            name="glob-any-depth",
            asks="find **/*.txt",
            expected="at every depth, and nothing else",
            source=_CONTRACT,
            steps=(
                Run(label="make", command=_SEARCHED),
                Glob(label="glob", path="{dir}/find", pattern="**/*.txt"),
            ),
            demands=(
                Finds(
                    of="glob",
                    holds=("find/a.txt", "deep/b.txt"),
                    lacks=("c.md", "d.bin"),
                    count=2,
                    means="** finds something else",
                ),
            ),
        ),
        Check(
            name="glob-201",
            asks="find 201 files, at most 200",
            expected="200 of them, and that there are more",
            source=f"{_CONTRACT}: glob gives 200 and says whether it was cut",
            steps=(
                Run(
                    label="make",
                    command="mkdir -p {dir}/g && cd {dir}/g && seq -w 1 201 | sed 's/$/.g/' | xargs touch "
                    "&& ls | wc -l",
                ),
                Glob(label="glob", path="{dir}/g", pattern="*.g"),
            ),
            demands=(
                Says(of="make", holds=("201",)),
                Finds(of="glob", count=200, truncated=True, means="the list is cut, and that is not said"),
            ),
        ),
        Check(
            name="grep-regex",
            asks="search for the regular expression alpha.1",
            expected="the lines that fit, with file and number",
            source=_CONTRACT,
            steps=(
                Run(label="make", command=_SEARCHED),
                Grep(label="grep", path="{dir}/find", pattern=Pattern(text="alpha.1", files="*.txt")),
            ),
            demands=(
                Matched(of="grep", lines=(("deep/b.txt", 1, "alphaX1"),), means="other lines are found"),
            ),
        ),
        Check(
            name="grep-literal",
            asks="search for the text alpha.1",
            expected="the dot is a dot",
            source=_CONTRACT,
            steps=(
                Run(label="make", command=_SEARCHED),
                Grep(
                    label="grep",
                    path="{dir}/find",
                    pattern=Pattern(text="alpha.1", literal=True, files="*.md"),
                ),
            ),
            demands=(Matched(of="grep", lines=(("c.md", 1, "alpha.1"),), means="other lines are found"),),
        ),
        Check(
            name="grep-case",
            asks="search without regard to case",
            expected="Alpha.1 and alphaX1",
            source=_CONTRACT,
            steps=(
                Run(label="make", command=_SEARCHED),
                Grep(
                    label="grep",
                    path="{dir}/find",
                    pattern=Pattern(text="ALPHA.1", ignore_case=True, files="*.txt"),
                ),
            ),
            demands=(
                Matched(
                    of="grep",
                    lines=(("find/a.txt", 1, "Alpha.1"), ("deep/b.txt", 1, "alphaX1")),
                    means="case matters though it must not",
                ),
            ),
        ),
        Check(
            name="grep-binary",
            asks="search where one file is binary",
            expected="the text file's line; no raw binary",
            source="grep(1)",
            steps=(
                Run(label="make", command=_SEARCHED),
                Grep(label="grep", path="{dir}/find", pattern=Pattern(text="alpha.1", literal=True)),
            ),
            demands=(
                Matched(
                    of="grep",
                    lines=(("c.md", 1, "alpha.1"),),
                    means="binary files are searched as text",
                    otherwise="differs",
                ),
            ),
        ),
        Check(
            name="grep-bad-pattern",
            asks="search for a regular expression that is none",
            expected="an error that says so",
            source=_CONTRACT,
            steps=(
                Run(label="make", command=_SEARCHED),
                Grep(label="grep", path="{dir}/find", pattern=Pattern(text="alpha[")),
            ),
            demands=(
                Refused(
                    of="grep", means="a bad pattern finds nothing, and says nothing", otherwise="differs"
                ),
            ),
        ),
        Check(
            name="odd-names",
            asks="write files with a space, quotes, a dollar, a leading dash and letters of other scripts",
            expected="each is there, byte by byte",
            source="POSIX: a name is any bytes but / and NUL",
            steps=(
                Write(label="space", path="{dir}/odd/a b.txt", text="1"),
                Write(label="quote", path='{dir}/odd/it\'s "q".txt', text="2"),
                Write(label="dollar", path="{dir}/odd/$HOME `id`.txt", text="3"),
                Write(label="dash", path="{dir}/odd/-rf.txt", text="4"),
                Write(label="script", path="{dir}/odd/grüße-世界.txt", text="5"),
                Run(
                    label="names",
                    command='cd {dir}/odd && for f in ./*; do printf \'%s=\' "$f"; cat "$f"; echo; done',
                ),
            ),
            demands=(
                Says(
                    of="names",
                    holds=(
                        "./a b.txt=1",
                        './it\'s "q".txt=2',
                        "./$HOME `id`.txt=3",
                        "./-rf.txt=4",
                        "./grüße-世界.txt=5",
                    ),
                    means="a file has another name than it was given",
                ),
            ),
        ),
        Check(
            name="link-out",
            asks="read through a link that leads out of the user's data",
            expected="refused or followed: written down",
            source="DeerFlow's local provider refuses it; in a sandbox of its own it gives nothing away",
            steps=(
                Run(label="make", command="mkdir -p {dir} && ln -sf /proc/version {dir}/out && echo made"),
                Read(label="read", path="{dir}/out"),
                Run(label="remove", command="cd {dir} && rm -f out"),
            ),
            demands=(Says(of="make", holds=("made",)), Recorded(of="read")),
        ),
        Check(
            name="dot-dot",
            asks="read a path with .. in it",
            expected="the file that it means, or an error",
            source=_CONTRACT,
            steps=(
                Write(label="write", path="{dir}/one/a.txt", text="dots"),
                Run(label="make", command="mkdir -p {dir}/two && echo made"),
                Read(label="read", path="{dir}/two/../one/a.txt"),
            ),
            demands=(Says(of="read", exactly="dots", otherwise="differs"),),
        ),
        Check(
            name="overwrite",
            asks="write a shorter text over a longer one",
            expected="only the new text",
            source=_CONTRACT,
            steps=(
                Write(label="long", path="{dir}/o.txt", text="a long text that was there before\n"),
                Write(label="short", path="{dir}/o.txt", text="short\n"),
                Read(label="read", path="{dir}/o.txt"),
            ),
            demands=(Says(of="read", exactly="short\n", means="the rest of the old text stays"),),
        ),
        Check(
            name="owner",
            asks="whose is a file that was written, and can commands change it?",
            expected="a command can append to it",
            source=_CONTRACT,
            steps=(
                Write(label="write", path="{dir}/w.txt", text="mine"),
                Run(label="owner", command="stat -c '%u:%g %a' {dir}/w.txt; id -u"),
                Run(label="append", command="printf -- -yours >> {dir}/w.txt; cat {dir}/w.txt"),
                Read(label="read", path="{dir}/w.txt"),
            ),
            demands=(
                Says(of="append", exactly="mine-yours", means="commands cannot change a written file"),
                Same(of="read", other="append"),
                Recorded(of="owner"),
            ),
        ),
        Check(
            name="read-only",
            asks="write into the skills",
            expected="an error: they are read-only",
            source="DeerFlow mounts /mnt/skills read-only",
            steps=(Write(label="write", path="{skills}/public/{run}.txt", text="no"),),
            demands=(Refused(of="write", means="the skills can be changed from a sandbox"),),
        ),
        Check(
            name="empty-file",
            asks="write no bytes, read them",
            expected="an empty file",
            source=_CONTRACT,
            steps=(
                Put(label="put", path="{dir}/empty", material=Text("")),
                Run(label="size", command="wc -c < {dir}/empty"),
                Get(label="get", path="{dir}/empty"),
            ),
            demands=(Says(of="size", holds=("0",)), Answered(of="get"), Holds(of="get", material=Text(""))),
        ),
    ),
    seconds=900.0,
)
