"""Copy out of a build image the files the agent needs to run, and nothing else.

    python3 assemble.py VENV ROOTFS

What is copied: the virtual environment without its tools, the interpreter and its standard library without
what a server never imports, the shared libraries all of these load (as the dynamic loader itself lists
them), and who Debian says those libraries come from, so that scanners of vulnerabilities see them.
"""

import compileall
import os
import py_compile
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterable
from pathlib import Path

Ignore = Callable[[str, list[str]], Iterable[str]]
"""Of a directory and the names in it, those to leave out (as shutil.copytree has it)."""

NOT_OF_THE_LIBRARY = (
    *("__pycache__", "site-packages", "dist-packages", "EXTERNALLY-MANAGED"),
    *(
        "ensurepip",
        "venv",
        "idlelib",
        "turtledemo",
        "turtle.py",
        "tkinter",
        "lib2to3",
        "pydoc_data",
        "pydoc.py",
    ),
    *("test", "tests", "config-*", "sqlite3", "curses", "dbm"),
)
EXTENSIONS_LEFT_OUT = re.compile(
    r"(_sqlite3|_tkinter|_curses(_panel)?|readline|_dbm|_gdbm|_test\w*|_xx\w*|xx\w*|_ctypes_test|"
    r"_uuid|_bz2|_lzma|_crypt|nis)\."
)
"""Each of these would bring a library with it that nothing in the agent uses."""
NOT_OF_THE_VENV = (
    *("__pycache__", "include", "tests", "memcollect"),
    *("activate*", "Activate*", "pip*", "memcollect-agent", "kubectl-*", "waitress-serve"),
)
"""The distribution's other half, the collector, belongs to the engineer's machine."""
LOADED_LATER = ("libgcc_s.so.1",)
"""Nothing names it, but glibc loads it to end a thread, and aborts the process where it is missing."""
USERS = {
    "etc/passwd": "root:x:0:0:root:/:/sbin/nologin\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n",
    "etc/group": "root:x:0:\nnogroup:x:65534:\n",
}


def assemble(venv: Path, root: Path) -> None:
    """Fill `root`."""
    root.mkdir()
    make_merged_links(root)
    for name in ("proc", "sys", "dev", "etc", "run", "tmp"):
        (root / name).mkdir()
    for name, text in USERS.items():
        (root / name).write_text(text)
    copy(Path("/etc/os-release"), root)
    # Docker's own python lies in /usr/local, where the loader looks only when it was told of it.
    (root / "etc/ld.so.conf").write_text("/usr/local/lib\n")
    interpreter = Path(os.path.realpath(venv / "bin/python"))
    copy(interpreter, root)
    copy_tree(Path(sysconfig.get_path("stdlib")), root, ignored_library)
    copy_tree(venv, root, shutil.ignore_patterns(*NOT_OF_THE_VENV))
    copy_links(venv / "bin/python", root)
    for record in root.rglob("*.dist-info/RECORD"):
        forget_absent(record)
    libraries = loaded([interpreter, *extensions(root)])
    libraries += [installed(name) for name in LOADED_LATER]
    for library in libraries:
        copy(library, root)
    run("ldconfig", "-r", str(root), "-f", "/etc/ld.so.conf")
    note_packages([interpreter, *libraries, *modules(root)], root)
    compile_all(root)
    forbid_starting_modules(root)


def make_merged_links(root: Path) -> None:
    """Make /lib a link to usr/lib, as Debian has it."""
    (root / "usr").mkdir()
    for name in ("bin", "lib", "lib64", "sbin"):
        own = Path("/", name)
        if own.is_symlink():
            (root / name).symlink_to(own.readlink())
            (root / own.readlink()).mkdir(exist_ok=True)


def ignored_library(directory: str, names: list[str]) -> set[str]:
    """Return what of a directory of the standard library stays out."""
    out = shutil.ignore_patterns(*NOT_OF_THE_LIBRARY)(directory, names)
    if directory.endswith("lib-dynload"):
        out |= {name for name in names if EXTENSIONS_LEFT_OUT.match(name)}
    return out


def copy_tree(source: Path, root: Path, ignore: Ignore) -> None:
    """Copy a directory to its own place below `root`, links as links."""
    shutil.copytree(source, below(root, source), symlinks=True, ignore=ignore, dirs_exist_ok=True)


def copy(source: Path, root: Path, place: Path | None = None) -> None:
    """Copy one file, whatever links lead to it, to its own place (or `place`) below `root`."""
    target = below(root, place or source)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, target)


def copy_links(link: Path, root: Path) -> None:
    """Copy each link of the chain that leads to a file."""
    while link.is_symlink():
        target = below(root, link)
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.is_symlink():
            target.symlink_to(link.readlink())
        link = link.parent / link.readlink()


def below(root: Path, path: Path) -> Path:
    """Return the place of an absolute path below `root`."""
    return root / path.relative_to("/")


def extensions(root: Path) -> list[Path]:
    """Return the extension modules in `root`, at the places they were copied from."""
    return [Path("/", file.relative_to(root)) for file in sorted(root.rglob("*.so*")) if file.is_file()]


def loaded(programs: Iterable[Path]) -> list[Path]:
    """Return every shared library that `programs` load, the loader among them.

    Raises RuntimeError if one is missing.
    """
    found = set()
    for program in programs:
        # ldd says "not a dynamic executable" on stderr of a library that loads nothing.
        listed = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout  # noqa: S603, S607
        if "not found" in listed:
            raise RuntimeError(f"{program} needs a library that is not here:\n{listed}")
        found |= {Path(path) for path in re.findall(r"(/\S+) \(0x", listed)}
    return sorted(found)


def modules(root: Path) -> list[Path]:
    """Return the modules of the standard library in `root`, at the places they were copied from."""
    library = below(root, Path(sysconfig.get_path("stdlib")))
    return [Path("/", file.relative_to(root)) for file in sorted(library.rglob("*.py"))]


def installed(library: str) -> Path:
    """Return where the dynamic loader finds `library`. Raises RuntimeError if it does not."""
    match = re.search(rf"^\s*{re.escape(library)} .*=> (/\S+)$", run("ldconfig", "-p"), re.MULTILINE)
    if match is None:
        raise RuntimeError(f"{library} is not here")
    return Path(match[1])


def forget_absent(record: Path) -> None:
    """Take out of a distribution's list of files those that were not copied."""
    packages = record.parent.parent
    lines = record.read_text().splitlines(keepends=True)
    record.write_text("".join(line for line in lines if (packages / line.partition(",")[0]).exists()))


def note_packages(files: Iterable[Path], root: Path) -> None:
    """Write Debian's record and licence of each package that `files` come from."""
    for name in sorted(owners(files)):
        record = run("dpkg-query", "--status", name)
        target = root / "var/lib/dpkg/status.d" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(record)
        licence = Path("/usr/share/doc", name, "copyright")
        if licence.exists():
            copy(licence, root)


def owners(files: Iterable[Path]) -> set[str]:
    """Return the packages that brought `files`; what was built from source has none."""
    # Before the merge of /usr, packages recorded the same file without it.
    real = [Path(os.path.realpath(file)) for file in files]
    paths = [*real, *(Path("/", *each.parts[2:]) for each in real)]
    # It fails where it does not know one of them, and tells of the others.
    done = subprocess.run(["dpkg-query", "--search", *paths], capture_output=True, text=True, check=False)  # noqa: S603, S607
    return {package for line in done.stdout.splitlines() for package in re.findall(r"^([^:, ]+)[:,]", line)}


def compile_all(root: Path) -> None:
    """Compile every module; the root file system is read-only when the agent runs.

    Checked by nothing at run time, so that the files do not depend on the time of the build.
    """
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    if not compileall.compile_dir(
        root, quiet=1, stripdir=str(root), prependdir="/", invalidation_mode=mode, maxlevels=20
    ):
        raise RuntimeError("a module does not compile")


def forbid_starting_modules(root: Path) -> None:
    """Take the permission to be executed from every module; only the interpreter is a program here."""
    for module in root.rglob("*.py"):
        module.chmod(0o644)


def run(*command: str) -> str:
    """Return what a command prints."""
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603


if __name__ == "__main__":
    assemble(Path(sys.argv[1]), Path(sys.argv[2]))
