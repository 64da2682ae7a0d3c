"""Xcode's shared scheme: what is built, tested and run by one press of a button."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree as Xml

from pbxproj import Ref

# XcodeGen's word -> the actions for which a target is built.
ACTIONS = {
    "all": ("Testing", "Running", "Profiling", "Archiving", "Analyzing"),
    "test": ("Testing",),
}
EVERY_ACTION = ACTIONS["all"]


def scheme_text(
    scheme: Mapping[str, Any], targets: Mapping[str, Ref], products: Mapping[str, Ref], file: str
) -> str:
    """An .xcscheme file.

    Args:
        targets: by name; likewise `products`.
        file: the project's folder, "RetinaDemo.xcodeproj".
    """

    def buildable(parent: Xml.Element, name: str) -> None:
        Xml.SubElement(
            parent,
            "BuildableReference",
            BuildableIdentifier="primary",
            BlueprintIdentifier=targets[name].id,
            BuildableName=products[name].name,
            BlueprintName=name,
            ReferencedContainer=f"container:{file}",
        )

    root = Xml.Element("Scheme", LastUpgradeVersion="1500", version="1.7")
    build = Xml.SubElement(
        root, "BuildAction", parallelizeBuildables="YES", buildImplicitDependencies="YES"
    )
    entries = Xml.SubElement(build, "BuildActionEntries")
    for name, word in scheme["build"]["targets"].items():
        actions = ACTIONS[word] if isinstance(word, str) else ACTIONS[word[0]]
        wanted = {f"buildFor{a}": "YES" if a in actions else "NO" for a in EVERY_ACTION}
        buildable(Xml.SubElement(entries, "BuildActionEntry", wanted), name)

    test = _action(root, "TestAction", scheme["test"]["config"])
    testables = Xml.SubElement(test, "Testables")
    for name in scheme["test"]["targets"]:
        buildable(Xml.SubElement(testables, "TestableReference", skipped="NO"), name)

    app = next(iter(scheme["build"]["targets"]))
    for kind in ("LaunchAction", "ProfileAction"):
        action = _action(root, kind, scheme["run"]["config"])
        buildable(
            Xml.SubElement(action, "BuildableProductRunnable", runnableDebuggingMode="0"), app
        )
    Xml.SubElement(root, "AnalyzeAction", buildConfiguration=scheme["test"]["config"])
    Xml.SubElement(
        root, "ArchiveAction", buildConfiguration="Release", revealArchiveInOrganizer="YES"
    )
    Xml.indent(root, "   ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + Xml.tostring(root, "unicode") + "\n"


def _action(root: Xml.Element, kind: str, configuration: str) -> Xml.Element:
    action = Xml.SubElement(root, kind, buildConfiguration=configuration)
    if kind != "ProfileAction":
        debugger = "Xcode.DebuggerFoundation.Debugger.LLDB"
        action.set("selectedDebuggerIdentifier", debugger)
        action.set("selectedLauncherIdentifier", debugger.replace("Debugger.LLDB", "Launcher.LLDB"))
    return action
