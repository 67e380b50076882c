"""Stylesheets run as they are, and can do nothing but order."""

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from pacsgate.model.errors import SettingsError
from pacsgate.model.stylesheet import StylesheetName
from pacsgate.ports.stylesheets import StylesheetFailed
from pacsgate.stylesheets.runner import StylesheetRunner

DATASET = (
    b'<dataset><attr tag="0020000D" vr="UI">1.2.3</attr><attr tag="00080060" vr="CS">CT</attr></dataset>'
)
SERIES = StylesheetName.SERIES


def stylesheet(body: str, *, top: str = "") -> str:
    return (
        '<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"'
        ' xmlns:str="http://exslt.org/strings" xmlns:exsl="http://exslt.org/common"'
        ' extension-element-prefixes="str exsl">'
        f'<xsl:param name="calling"/>{top}<xsl:template match="/">{body}</xsl:template></xsl:stylesheet>'
    )


ONE = stylesheet('<p><grant role="Doctor" action="Q,R" suid="{/dataset/attr[@tag=\'0020000D\']}"/></p>')
AGAIN = stylesheet('<p><grant role="{$calling}" action="Q" suid="1.2"/></p>')


@pytest.fixture
def ran() -> Iterator[list[StylesheetRunner]]:
    made: list[StylesheetRunner] = []
    yield made
    for runner in made:
        runner.close()


def run(
    ran: list[StylesheetRunner], text: str, calling: str | None = None
) -> list[tuple[str, dict[str, str]]]:
    runner = StylesheetRunner({SERIES: text})
    ran.append(runner)
    return [(name, dict(given)) for name, given in runner.run(SERIES, DATASET, calling)]


def test_a_stylesheet_orders_what_it_makes_of_the_data_set(ran: list[StylesheetRunner]) -> None:
    assert run(ran, ONE) == [("grant", {"role": "Doctor", "action": "Q,R", "suid": "1.2.3"})]


def test_the_parameter_is_text_and_no_expression(ran: list[StylesheetRunner]) -> None:
    for calling in ("CT1", "' or 1", '"', "concat('a')"):
        assert run(ran, AGAIN, calling)[0][1]["role"] == calling


def test_an_order_that_says_nothing_is_still_an_order(ran: list[StylesheetRunner]) -> None:
    text = stylesheet(
        '<p a="b"><grant/><x:grant xmlns:x="urn:x" role="r"/><y role="r"/><revoke xmlns="urn:y"/></p>'
    )
    assert run(ran, text) == [("grant", {}), ("revoke", {})]


def test_orders_keep_the_order_of_the_document_and_tokenize_works(ran: list[StylesheetRunner]) -> None:
    text = stylesheet(
        "<p><xsl:for-each select=\"str:tokenize('b,a,c', ',')\"><grant role=\"{.}\"/></xsl:for-each>"
        '<revoke role="z"/></p>'
    )
    assert [given["role"] for _, given in run(ran, text)] == ["b", "a", "c", "z"]


def test_a_child_is_kept_for_the_next_document(ran: list[StylesheetRunner]) -> None:
    runner = StylesheetRunner({SERIES: ONE})
    ran.append(runner)
    runner.run(SERIES, DATASET, None)
    began = time.monotonic()
    for _ in range(20):
        runner.run(SERIES, DATASET, None)
    assert time.monotonic() - began < 0.5


SECRET = '<p><grant role="secret"/></p>'
READS = {
    "document": stylesheet("<p><grant role=\"{document('file://FILE')//@role}\"/></p>"),
    "network": stylesheet("<p><grant role=\"{document('http://127.0.0.1:1/x')}\"/></p>"),
    "include": stylesheet('<xsl:call-template name="t"/>', top='<xsl:include href="file://FILE"/>'),
    "import": stylesheet('<xsl:call-template name="t"/>').replace(
        "<xsl:param", '<xsl:import href="file://FILE"/><xsl:param', 1
    ),
    "entity": '<!DOCTYPE x [<!ENTITY e SYSTEM "file://FILE">]>' + stylesheet("<p>&e;</p>"),
    "laughs": "<!DOCTYPE x ["
    '<!ENTITY a0 "lol">'
    + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    + "]>"
    + stylesheet('<p><grant role="&a11;"/></p>'),
}


@pytest.mark.parametrize("name", READS)
def test_a_stylesheet_reads_no_file_and_asks_nobody(
    ran: list[StylesheetRunner], name: str, tmp_path: Path
) -> None:
    file = tmp_path / "secret.xml"
    template = f'<xsl:template name="t">{SECRET}</xsl:template>'
    included = name in {"include", "import"}
    text = stylesheet("", top=template).replace('<xsl:template match="/"></xsl:template>', "")
    file.write_text(text if included else SECRET)
    said = ""
    with suppress(StylesheetFailed):
        said = str(run(ran, READS[name].replace("FILE", str(file))))
    assert "secret" not in said


def test_a_stylesheet_writes_no_file(ran: list[StylesheetRunner], tmp_path: Path) -> None:
    target = tmp_path / "written"
    text = stylesheet(f'<exsl:document href="file://{target}"><x/></exsl:document><p><grant role="r"/></p>')
    with pytest.raises(StylesheetFailed):
        run(ran, text)
    assert not target.exists()


FOREVER = {
    "recursion": stylesheet(
        '<xsl:call-template name="t"/>',
        top='<xsl:template name="t"><xsl:call-template name="t"/></xsl:template>',
    ),
    "branching": stylesheet(
        '<xsl:call-template name="t"><xsl:with-param name="n" select="40"/></xsl:call-template>',
        top='<xsl:template name="t"><xsl:param name="n"/><xsl:if test="$n &gt; 0">'
        + '<xsl:call-template name="t"><xsl:with-param name="n" select="$n - 1"/></xsl:call-template>' * 2
        + "</xsl:if></xsl:template>",
    ),
    "large": stylesheet(
        '<p><xsl:call-template name="t"><xsl:with-param name="s" select="\'xxxxxxxxxxxxxxxx\'"/>'
        "</xsl:call-template></p>",
        top='<xsl:template name="t"><xsl:param name="s"/><xsl:if test="string-length($s) &lt; 1073741824">'
        '<xsl:call-template name="t"><xsl:with-param name="s" select="concat($s, $s)"/></xsl:call-template>'
        '</xsl:if><grant role="{$s}"/></xsl:template>',
    ),
    "many": stylesheet(
        '<p><xsl:call-template name="t"><xsl:with-param name="n" select="17"/></xsl:call-template></p>',
        top='<xsl:template name="t"><xsl:param name="n"/><grant role="r"/><xsl:if test="$n &gt; 0">'
        + '<xsl:call-template name="t"><xsl:with-param name="n" select="$n - 1"/></xsl:call-template>' * 2
        + "</xsl:if></xsl:template>",
    ),
}
SLOW = {"branching", "large"}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.long if name in SLOW else ()) for name in FOREVER]
)
def test_a_stylesheet_without_end_orders_nothing_and_the_next_document_is_served(
    ran: list[StylesheetRunner], name: str
) -> None:
    began = time.monotonic()
    with pytest.raises(StylesheetFailed):
        run(ran, FOREVER[name])
    assert time.monotonic() - began < 12
    assert ran[-1].has(SERIES)
    with pytest.raises(StylesheetFailed):
        ran[-1].run(SERIES, DATASET, None)


def test_what_a_stylesheet_says_of_its_input_goes_nowhere(
    ran: list[StylesheetRunner], capfd: pytest.CaptureFixture[str]
) -> None:
    text = stylesheet('<xsl:message terminate="yes"><xsl:value-of select="/dataset/attr"/></xsl:message>')
    with pytest.raises(StylesheetFailed) as failed:
        run(ran, text)
    assert "1.2.3" not in str(failed.value)
    assert "1.2.3" not in "".join(capfd.readouterr())


@pytest.mark.parametrize("text", ["", "<x", "<x/>", ONE.replace("attr[", "attr[[")])
def test_a_stylesheet_that_could_never_run_is_refused_at_the_start(
    ran: list[StylesheetRunner], text: str
) -> None:
    runner = StylesheetRunner({SERIES: text})
    ran.append(runner)
    with pytest.raises(SettingsError, match=r"series-permission\.xsl"):
        runner.check()


@pytest.mark.long
def test_a_run_that_was_killed_leaves_no_process(ran: list[StylesheetRunner]) -> None:
    with pytest.raises(StylesheetFailed):
        run(ran, FOREVER["branching"])
    ran[-1].close()
    assert ran[-1]._children == {}
