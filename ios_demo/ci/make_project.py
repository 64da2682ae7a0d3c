"""Write RetinaDemo.xcodeproj from project.yml.

    python ios_demo/ci/make_project.py

Takes what project.yml uses of XcodeGen's form and refuses the rest: an entry that nobody reads
would be a setting that nobody gets.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import yaml

sys.path.insert(0, str(Path(__file__).parent))
from pbxproj import Project, Ref, Value
from scheme import scheme_text

DEMO = Path(__file__).parents[1]
KINDS = {  # suffix -> Xcode's name of it, and the build phase that takes it
    ".plist": ("text.plist.xml", ""),
    ".swift": ("sourcecode.swift", "Sources"),
    ".xcassets": ("folder.assetcatalog", "Resources"),
    ".xcprivacy": ("text.xml", "Resources"),
    ".xcstrings": ("text.json.xcstrings", "Resources"),
}
PRODUCTS = {  # XcodeGen's type -> Xcode's, its kind of file, and the suffix
    "application": ("com.apple.product-type.application", "wrapper.application", ".app"),
    "bundle.unit-test": ("com.apple.product-type.bundle.unit-test", "wrapper.cfbundle", ".xctest"),
}
ENTRIES = {
    "": {"name", "options", "packages", "settings", "targets", "schemes"},
    "options": {"deploymentTarget", "developmentLanguage"},
    "targets.*": {"type", "platform", "sources", "dependencies", "postBuildScripts", "settings"},
}
LANGUAGES = ("en", "de", "Base")


def read_project() -> dict[str, Any]:
    said: dict[str, Any] = yaml.safe_load((DEMO / "project.yml").read_text(encoding="utf-8"))
    found = {"": said, "options": said["options"]}
    found |= {f"targets.{name}": target for name, target in said["targets"].items()}
    for where, values in found.items():
        known = ENTRIES["targets.*" if where.startswith("targets.") else where]
        if unknown := sorted(set(values) - known):
            raise SystemExit(
                f"project.yml: found {unknown[0]!r} in {where or 'the file'}; "
                f"expected one of {', '.join(sorted(known))}: teach it to make_project.py"
            )
    return said


class Writer:
    """Turns what project.yml says into Xcode's objects."""

    def __init__(self, said: dict[str, Any]) -> None:
        self.said = said
        self.project = Project()
        self.products: dict[str, Ref] = {}
        self.targets: dict[str, Ref] = {}
        self.root = self.project.add("PBXProject", "root", "Project object")
        self.packages = {
            name: self.project.add(
                "XCLocalSwiftPackageReference",
                name,
                f'XCLocalSwiftPackageReference "{package["path"]}"',
                relativePath=package["path"],
            )
            for name, package in said["packages"].items()
        }

    def write(self) -> str:
        groups = [self._target(name, target) for name, target in self.said["targets"].items()]
        products = self._group(
            "products", "Products", list(self.products.values()), name="Products"
        )
        main = self.project.add(
            "PBXGroup", "main", "main", children=[*groups, products], sourceTree="<group>"
        )
        attributes: dict[str, Value] = {
            "BuildIndependentTargetsInParallel": "YES",
            "LastUpgradeCheck": 1500,
        }
        self.project.add(
            "PBXProject",
            "root",
            "Project object",
            attributes=attributes,
            buildConfigurationList=self._configurations("project", self.said["settings"]),
            compatibilityVersion="Xcode 15.0",
            developmentRegion=self.said["options"]["developmentLanguage"],
            hasScannedForEncodings=0,
            knownRegions=list(LANGUAGES),
            mainGroup=main,
            packageReferences=list(self.packages.values()),
            productRefGroup=products,
            projectDirPath="",
            projectRoot="",
            targets=list(self.targets.values()),
        )
        return self.project.text(self.root)

    def _group(self, key: str, shown: str, children: list[Ref], **entries: str) -> Ref:
        return self.project.add(
            "PBXGroup", key, shown, children=children, **entries, sourceTree="<group>"
        )

    def _configurations(self, key: str, settings: dict[str, Any]) -> Ref:
        """Debug and Release, each with its own settings over the common ones."""
        configurations = []
        for name in ("Debug", "Release"):
            own = {**settings["base"], **settings.get("configs", {}).get(name, {})}
            configurations.append(
                self.project.add(
                    "XCBuildConfiguration",
                    f"{key} {name}",
                    name,
                    buildSettings=dict(sorted(own.items())),
                    name=name,
                )
            )
        return self.project.add(
            "XCConfigurationList",
            key,
            f"Build configuration list for {key}",
            buildConfigurations=configurations,
            defaultConfigurationIsVisible=0,
            defaultConfigurationName="Release",
        )

    def _target(self, name: str, target: dict[str, Any]) -> Ref:
        """Adds a target; returns the group of its files."""
        phases: dict[str, list[Ref]] = {"Sources": [], "Frameworks": [], "Resources": []}
        (source,) = target["sources"]
        folder = self._folder(DEMO / source["path"], name, phases, set(source.get("excludes", ())))
        packages, dependencies = self._dependencies(name, target["dependencies"], phases)
        kind, file_kind, suffix = PRODUCTS[target["type"]]
        self.products[name] = self.project.add(
            "PBXFileReference",
            f"product {name}",
            f"{name}{suffix}",
            explicitFileType=file_kind,
            includeInIndex=0,
            path=f"{name}{suffix}",
            sourceTree="BUILT_PRODUCTS_DIR",
        )
        built = [self._phase(name, phase, files) for phase, files in phases.items()]
        built += [self._script(name, script) for script in target["postBuildScripts"]]
        self.targets[name] = self.project.add(
            "PBXNativeTarget",
            name,
            name,
            buildConfigurationList=self._configurations(name, target["settings"]),
            buildPhases=built,
            buildRules=[],
            dependencies=dependencies,
            name=name,
            packageProductDependencies=packages,
            productName=name,
            productReference=self.products[name],
            productType=kind,
        )
        return folder

    def _folder(
        self, folder: Path, target: str, phases: dict[str, list[Ref]], excludes: set[str]
    ) -> Ref:
        children = []
        for path in sorted(folder.iterdir()):
            key = path.relative_to(DEMO).as_posix()
            if path.name in excludes or path.name.startswith("."):
                continue
            if path.is_dir() and path.suffix not in KINDS:
                children.append(self._folder(path, target, phases, set()))
                continue
            kind, phase = KINDS[path.suffix]  # a kind that Xcode is to learn of stands there
            file = self.project.add(
                "PBXFileReference",
                key,
                path.name,
                lastKnownFileType=kind,
                path=path.name,
                sourceTree="<group>",
            )
            children.append(file)
            if phase:
                phases[phase].append(self._built(key, f"{path.name} in {phase}", fileRef=file))
        key = folder.relative_to(DEMO).as_posix()
        return self._group(key, folder.name, children, path=folder.name)

    def _built(self, key: str, name: str, **entries: Ref) -> Ref:
        return self.project.add("PBXBuildFile", key, name, **entries)

    def _dependencies(
        self, name: str, wanted: list[dict[str, str]], phases: dict[str, list[Ref]]
    ) -> tuple[list[Ref], list[Ref]]:
        packages, targets = [], []
        for one in wanted:
            if "package" in one:
                product = one["package"]
                packages.append(
                    self.project.add(
                        "XCSwiftPackageProductDependency",
                        f"{name} {product}",
                        product,
                        package=self.packages[product],
                        productName=product,
                    )
                )
                built = self._built(
                    f"{name} {product}", f"{product} in Frameworks", productRef=packages[-1]
                )
                phases["Frameworks"].append(built)
            else:
                targets.append(self._target_dependency(name, one["target"]))
        return packages, targets

    def _target_dependency(self, name: str, other: str) -> Ref:
        proxy = self.project.add(
            "PBXContainerItemProxy",
            f"{name} {other}",
            "PBXContainerItemProxy",
            containerPortal=self.root,
            proxyType=1,
            remoteGlobalIDString=self.targets[other].id,
            remoteInfo=other,
        )
        return self.project.add(
            "PBXTargetDependency",
            f"{name} {other}",
            "PBXTargetDependency",
            target=self.targets[other],
            targetProxy=proxy,
        )

    def _phase(self, target: str, phase: str, files: list[Ref]) -> Ref:
        return self.project.add(
            f"PBX{phase}BuildPhase",
            target,
            phase,
            buildActionMask=2147483647,
            files=files,
            runOnlyForDeploymentPostprocessing=0,
        )

    def _script(self, target: str, script: dict[str, Any]) -> Ref:
        return self.project.add(
            "PBXShellScriptBuildPhase",
            f"{target} {script['name']}",
            script["name"],
            alwaysOutOfDate=0 if script["basedOnDependencyAnalysis"] else 1,
            buildActionMask=2147483647,
            files=[],
            inputPaths=[],
            name=script["name"],
            outputPaths=[],
            runOnlyForDeploymentPostprocessing=0,
            shellPath="/bin/sh",
            shellScript=script["script"] + "\n",
        )


def files() -> dict[Path, str]:
    """What each file of the project has to hold."""
    said = read_project()
    writer = Writer(said)
    folder = DEMO / f"{said['name']}.xcodeproj"
    written = {folder / "project.pbxproj": writer.write()}
    for name, scheme in said["schemes"].items():
        path = folder / "xcshareddata" / "xcschemes" / f"{name}.xcscheme"
        written[path] = scheme_text(scheme, writer.targets, writer.products, folder.name)
    return written


if __name__ == "__main__":
    for path, text in files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(path)
