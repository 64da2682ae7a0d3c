/// The checks of a manifest, in the order that all apps share: the first failure is the one told.
struct ManifestReader {
    let root: ManifestEntry
    let target: String

    struct Texts {
        let target: String
        let precision: String
        let variant: String
        let task: String
        let mobileseg: String
        let artifact: String
        let name: String
    }

    /// How a target's files look.
    private struct Form {
        let artifact: String
        let channelsLast: Bool
        let isOneFile: Bool
    }

    private static let forms: [String: Form] = [
        "coreml": Form(artifact: "model.mlpackage", channelsLast: false, isOneFile: false),
        "executorch": Form(artifact: "model.pte", channelsLast: true, isOneFile: true),
        "onnx": Form(artifact: "model.onnx", channelsLast: true, isOneFile: true)
    ]
    private static let frameEdges: ClosedRange<Int> = 32...4096
    private static let sideStep: Int = 32  // the network halves its maps five times
    private static let largestSide: Int = 4096
    private static let largestBytes: Int = 1 << 40
    private static let hexDigits: Set<Character> = Set("0123456789abcdef")

    func manifest() throws -> Manifest {
        let isNewest: Bool = try readSchema()
        guard let form: Form = ManifestReader.forms[target], root["target"].value == .text(target)
        else {
            throw root["target"].problem(.target)
        }
        let texts: Texts = try readTexts(form)
        try refuseOther("graph", than: "whole")
        try refuseOther(isNewest ? "head" : "answer", than: "probabilities")
        let frame: PixelSize = try readFrame()
        let lesions: [Lesion] = try LesionReader(isNewest: isNewest).lesions(root["lesions"])
        let inputName: String = try readInput(frame: frame, channelsLast: form.channelsLast)
        let quality: QualitySpec? = isNewest ? try QualityReader.quality(root["quality"]) : nil
        let side: Int = try readOutputs(lesions: lesions.count, quality: quality)
        let exporter: [String: String] = try readExporter()
        let files: [String: FileSum] = try readFiles(form)
        return Manifest(
            texts: texts, frame: frame, side: side, lesions: lesions, quality: quality,
            inputName: inputName, exporter: exporter, files: files)
    }

    /// Whether it is the newest.
    private func readSchema() throws -> Bool {
        let entry: ManifestEntry = root["schema"]
        guard case .number(let found)? = entry.value, found == found.rounded() else {
            throw entry.problem(.schema)
        }
        if found > Double(Constants.schema) {
            throw entry.problem(.schemaNewer)
        }
        if found < Double(Constants.oldestSchema) {
            throw entry.problem(.schema)
        }
        return found == Double(Constants.schema)
    }

    private func readTexts(_ form: Form) throws -> Texts {
        let mobileseg: String = try root["mobileseg"].text()
        let precision: String = try root["precision"].text()
        let variant: String = try root["variant"].text()
        let task: String = try root["task"].text()
        try root["artifact"].text(form.artifact)
        let name: String = (try? root["members"][0]["name"].text()) ?? variant
        return Texts(
            target: target, precision: precision, variant: variant, task: task,
            mobileseg: mobileseg, artifact: form.artifact, name: name)
    }

    private func refuseOther(_ key: String, than expected: String) throws {
        let entry: ManifestEntry = root[key]
        if entry.value != nil {
            try entry.text(expected)
        }
    }

    private func readFrame() throws -> PixelSize {
        let frames: [ManifestEntry] = try root["frames"].list(1...Int.max)
        for frame in frames {
            for edge in try frame.list(2...2) {
                guard (try? edge.whole(ManifestReader.frameEdges)) != nil else {
                    throw frame.problem()
                }
            }
        }
        return PixelSize(
            height: try frames[0][0].whole(ManifestReader.frameEdges),
            width: try frames[0][1].whole(ManifestReader.frameEdges))
    }

    private func readInput(frame: PixelSize, channelsLast: Bool) throws -> String {
        let input: ManifestEntry = root["input"]
        try input.object()
        let name: String = try input["name"].text()
        let channels: Int = Picture.channels
        try input["shape"].shape(
            channelsLast
                ? [1, frame.height, frame.width, channels]
                : [1, channels, frame.height, frame.width])
        try input["dtype"].text("uint8")
        try input["order"].text("RGB")
        return name
    }

    private func readOutputs(lesions: Int, quality: QualitySpec?) throws -> Int {
        let count: Int = quality == nil ? 3 : 4
        let outputs: [ManifestEntry] = try root["outputs"].list(count...count)
        try outputs[0].object()
        try outputs[0]["name"].text("probabilities")
        let side: Int = try readSide(outputs[0]["shape"], lesions: lesions)
        try outputs[0]["dtype"].text("float32")
        try checkOutput(outputs[1], name: "crop", shape: [1, 4])
        try checkOutput(outputs[2], name: "retina", shape: [1, 1])
        if let described: QualitySpec = quality {
            let numbers: Int = lesions + described.values.count
            try checkOutput(outputs[3], name: "quality", shape: [1, numbers])
        }
        return side
    }

    private func checkOutput(_ output: ManifestEntry, name: String, shape: [Int]) throws {
        try output.object()
        try output["name"].text(name)
        try output["shape"].shape(shape)
        try output["dtype"].text("float32")
    }

    private func readSide(_ entry: ManifestEntry, lesions: Int) throws -> Int {
        guard let side: Int = try? entry[2].whole(1...ManifestReader.largestSide),
            side % ManifestReader.sideStep == 0
        else { throw entry.problem() }
        try entry.shape([1, lesions, side, side])
        return side
    }

    private func readExporter() throws -> [String: String] {
        let entry: ManifestEntry = root["exporter"]
        var exporter: [String: String] = [:]
        for key in try entry.object().keys.sorted() {
            guard case .text(let text)? = entry[key].value else { throw entry[key].problem() }
            exporter[key] = text
        }
        return exporter
    }

    private func readFiles(_ form: Form) throws -> [String: FileSum] {
        let entry: ManifestEntry = root["files"]
        let listed: [String: JSONValue] = try entry.object()
        if form.isOneFile {
            try entry[form.artifact].object()
            _ = try readSum(entry[form.artifact])
        }
        var files: [String: FileSum] = [:]
        for name in listed.keys {
            files[name] = try? readSum(entry[name])
        }
        return files
    }

    private func readSum(_ entry: ManifestEntry) throws -> FileSum {
        let sha256: String = try entry["sha256"].text()
        guard sha256.count == 64, ManifestReader.hexDigits.isSuperset(of: sha256) else {
            throw entry["sha256"].problem()
        }
        return FileSum(
            sha256: sha256, bytes: try entry["bytes"].whole(1...ManifestReader.largestBytes))
    }
}
