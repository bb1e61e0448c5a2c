from memcollect.reporters.html.markup import Markup, element, items, joined
from memcollect.reporters.html.shapes import Scale, percent_text


def test_text_is_escaped_and_markup_is_not() -> None:
    found = element("b", "<i>", Markup("<i></i>"), class_='"x"')
    assert found == '<b class="&quot;x&quot;">&lt;i&gt;<i></i></b>'


def test_an_attribute_that_is_not_given_is_not_written() -> None:
    assert element("rect", x="1", class_=None) == '<rect x="1"/>'


def test_a_list_of_texts_stays_text() -> None:
    assert items(["<"]) == "<ul><li>&lt;</li>\n</ul>\n"
    assert joined(["&", Markup("&amp;")]) == "&amp;&amp;"


def test_a_scale_of_no_length_has_everything_at_its_beginning() -> None:
    assert Scale(0, 0).at(5) == "0%"
    assert Scale(-50, 50).at(0) == "50%"
    assert percent_text(33.333333) == "33.33%"
