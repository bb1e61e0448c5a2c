"""The README on an index, where nothing of the tree is beside it."""

from pathlib import Path

from release.links import for_index, relative_links

README = """\
# A
See [docs](docs/a.md#b), [the web](https://forge.example/x), [below](#more) and
![A picture](docs/page.png)

    code with [a](docs/b.md)
"""


def test_with_an_address_links_and_pictures_lead_to_that_commit() -> None:
    text = for_index(README, "https://forge.example/o/r", "abc")
    assert text == README.replace(
        "(docs/a.md#b)", "(https://forge.example/o/r/blob/abc/docs/a.md#b)"
    ).replace("(docs/page.png)", "(https://forge.example/o/r/raw/abc/docs/page.png)")


def test_without_an_address_the_words_stay() -> None:
    text = for_index(README, None, "abc")
    assert text.splitlines()[1:3] == ["See docs, [the web](https://forge.example/x), [below](#more) and", ""]
    assert "[a](docs/b.md)" in text


def test_no_relative_link_is_left_of_the_projects_own_readme() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    assert len(relative_links(readme)) > 20
    assert relative_links(for_index(readme, None, "abc")) == []
    assert relative_links(for_index(readme, "https://forge.example/o/r", "abc")) == []
