"""The outcome as JUnit XML, which every CI server shows: a suite a bundle, a case a question.

What was not run is `skipped`, with its reason; it is never a passed case.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree as Xml

from converters.parity.metrics import CHECKS, faults, in_words, judged, untested, verdict
from converters.parity.result import Parity, Verdict
from converters.parity.tolerances import Gate

NO_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, Char


def junit(results: Sequence[Parity], gate: Gate) -> str:
    """The whole document."""
    root = Xml.Element("testsuites", name="mobileseg parity")
    for result in results:
        root.append(_suite(result, gate))
    for name in ("tests", "failures", "skipped"):
        root.set(name, str(sum(int(suite.get(name, 0)) for suite in root)))
    Xml.indent(root)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n' + Xml.tostring(root, encoding="unicode") + "\n"
    )


def _suite(result: Parity, gate: Gate) -> Xml.Element:
    name = f"{result.bundle} ({result.target} {result.made})"
    suite = Xml.Element("testsuite", name=_text(name))
    for check in result.checks:
        _case(suite, CHECKS, check.name, None if check.holds else f"found {check.found}")
    for one in judged(result, gate):
        _case(suite, one.figure.stage, one.figure.text, None if one.holds else str(one))
    known = {f"{j.figure.stage}: {j}" for j in judged(result, gate)}
    for fault in faults(result, gate):  # those of single pictures
        if fault.stage != CHECKS and str(fault) not in known:
            _case(suite, fault.stage, fault.text, fault.text)
    _verdict(suite, result, gate)
    suite.set("tests", str(len(suite)))
    for name, tag in (("failures", "failure"), ("skipped", "skipped")):
        suite.set(name, str(sum(case.find(tag) is not None for case in suite)))
    return suite


def _verdict(suite: Xml.Element, result: Parity, gate: Gate) -> None:
    said, words = verdict(result, gate), in_words(result, gate)
    case = _case(suite, "verdict", words, words if said is Verdict.DIFFERS else None)
    if said is Verdict.NOT_RUN:
        why = result.not_run or "; ".join(untested(result, gate))
        Xml.SubElement(case, "skipped", message=_text(why))


def _case(suite: Xml.Element, stage: str, name: str, fault: str | None) -> Xml.Element:
    case = Xml.SubElement(suite, "testcase", classname=_text(stage), name=_text(name))
    if fault is not None:
        Xml.SubElement(case, "failure", message=_text(fault))
    return case


def _text(text: str) -> str:
    """Without what no XML document may hold."""
    return NO_XML.sub("\N{REPLACEMENT CHARACTER}", text)
