"""Make every artifact of the commit that is checked out, and publish none."""

import argparse
import re
import sys
from pathlib import Path

from release import image
from release.making import make
from release.order import Order
from release.programs import ReleaseError, run
from release.single_file import EVERYWHERE
from release.version import release_of

REPOSITORY = Path(__file__).parents[1]
_URL = re.compile(r"https://[^\s/]+(/[^\s/]+)+")


def main(arguments: list[str] | None = None) -> int:
    """Run it and return the exit code."""
    options = _options(arguments)
    if options.with_image and not image.may_be_built():
        _say(
            "the agent's image is built by root: run it as root, or leave the image out (make dist IMAGE=no)"
        )
        return 1
    try:
        order = Order(
            repository=REPOSITORY,
            release=release_of(REPOSITORY),
            url=options.url or None,
            targets=() if options.this_python_alone else EVERYWHERE,
            with_image=options.with_image,
        )
        if run(["git", "-C", REPOSITORY, "status", "--porcelain"]).strip():
            _say("what is not committed will not be in it")
        make(order, options.directory, _say)
    except ReleaseError as error:
        _say(str(error))
        return 1
    sys.stdout.write(f"{options.directory}/RELEASE.md names all that was made, and how to verify it\n")
    return 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m release", description=__doc__)
    parser.add_argument("directory", type=Path, help="where to; what else is there is kept")
    parser.add_argument("--url", type=_url, help="the repository's address: https://HOST/OWNER/NAME")
    parser.add_argument("--this-python-alone", action="store_true", help="the single file for this one, soon")
    parser.add_argument(
        "--without-image", dest="with_image", action="store_false", help="leave the image out"
    )
    return parser.parse_args(arguments)


def _url(text: str) -> str:
    """Return the address without a slash at its end; empty where none is given."""
    address = text.rstrip("/")
    if address and not _URL.fullmatch(address):
        raise argparse.ArgumentTypeError(f"{text!r} is no address like https://HOST/OWNER/NAME")
    return address


def _say(what: str) -> None:
    sys.stderr.write(f"dist: {what}\n")


if __name__ == "__main__":
    sys.exit(main())
