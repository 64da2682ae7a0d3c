// Reads an Xcode project with the parser that Cordova and React Native use, and says as JSON what
// it found: a project file that only its own writer can read would be no project file.
import xcode from "xcode";

const file = process.argv[2];
if (!file) {
  console.error("read_project.mjs: no file named; expected PROJECT.xcodeproj/project.pbxproj");
  process.exit(2);
}

const project = xcode.project(file);
project.parseSync();

const { objects } = project.hash.project;
// Beside each object the parser keeps its comment, under the same id and "_comment".
const named = (kind) =>
  Object.entries(objects[kind] ?? {}).filter(([id]) => !id.endsWith("_comment"));
const plain = (text) => String(text ?? "").replace(/^"|"$/g, "");

const targets = named("PBXNativeTarget").map(([, target]) => ({
  name: plain(target.name),
  type: plain(target.productType),
  packages: target.packageProductDependencies.map((one) => one.comment),
  phases: target.buildPhases.map((one) => one.comment),
}));
const sources = named("PBXSourcesBuildPhase").flatMap(([, phase]) =>
  phase.files.map((one) => one.comment.replace(/ in Sources$/, "")),
);
const dangling = named("PBXBuildFile")
  .map(([, built]) => built.fileRef ?? built.productRef)
  .filter((id) => !Object.values(objects).some((kind) => id in kind));

console.log(JSON.stringify({ targets, sources, dangling }));
