"""The result of a comparison as JUnit XML, for CI: one test case a channel. The same result gives the same bytes."""

import re
from xml.etree import ElementTree

from cti_es.report.diff_text import Where, in_words
from cti_es.traces.diff.compare import Comparison, counts
from cti_es.traces.diff.differences import Difference
from cti_es.vocabulary.names import printable


def junit_xml(comparison: Comparison, expected: Where = str, actual: Where = str) -> bytes:
    """A comparison as JUnit XML in UTF-8: a test case for each channel, failed if the channel has differences.

    Handles that stand for two channels, or two for one, are a test case of their own.
    """
    failing = sum(1 for channel in comparison.channels if channel.differences)
    loose = [one for one in comparison.differences if one.kind == "alias"]
    total, failures = len(comparison.channels) + bool(loose), failing + bool(loose)
    attributes = {"tests": str(total), "failures": str(failures), "errors": "0", "skipped": "0"}
    root = ElementTree.Element("testsuites", attributes)
    suite = ElementTree.SubElement(root, "testsuite", {"name": "cti-es diff", **attributes})
    for channel in comparison.channels:
        _case(suite, channel.name, channel.differences, (expected, actual))
    if loose:
        _case(suite, "handles", loose, (expected, actual))
    ElementTree.indent(root)
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _case(suite: ElementTree.Element, name: str, differences: list[Difference], where: tuple[Where, Where]) -> None:
    case = ElementTree.SubElement(suite, "testcase", {"classname": "cti-es.diff", "name": _xml(name)})
    if differences:
        message = ", ".join(f"{number} {kind}" for kind, number in counts(differences).items() if number)
        failure = ElementTree.SubElement(case, "failure", {"message": message, "type": differences[0].kind})
        told = (words for one in differences for words in in_words(one, *where))
        failure.text = "\n".join(_xml(f"{what}: {words}") for what, words in told)


_NO_XML = re.compile("[\ufffe\uffff]")


def _xml(text: str) -> str:
    """Text without the characters that XML does not have."""
    return _NO_XML.sub("\ufffd", printable(text))
