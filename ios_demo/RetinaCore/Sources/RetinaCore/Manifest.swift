import Foundation

/// Constants of a lesion's probabilities, which the model has inside.
public struct Calibration: Equatable, Sendable {
    public let a: Double
    public let b: Double
}

public struct Lesion: Equatable, Sendable {
    public let code: String
    public let names: [String: String]  // by language; English is always there
    public let threshold: Double
    public let colour: Colour
    public let calibration: Calibration?  // nil: its probabilities are the network's own
}

/// What an app needs of a bundle's model.json.
public struct Manifest: Equatable, Sendable {
    public let target: String
    public let precision: String
    public let variant: String
    public let task: String
    public let mobileseg: String
    public let artifact: String
    public let name: String
    public let frame: PixelSize
    public let side: Int
    public let lesions: [Lesion]
    public let quality: QualitySpec?  // nil: the model says nothing of it
    public let inputName: String
    public let exporter: [String: String]
    public let files: [String: FileSum]

    /// Reads a manifest for one target; throws ManifestProblem for the first thing that is wrong.
    /// Of a text that is JSON but for a bare NaN or Infinity, it is the entry that this stands in.
    public init(_ json: Data, target: String) throws {
        if let manifest: Manifest = try Manifest.read(json, target: target) {
            self = manifest
            return
        }
        _ = try Manifest.read(quotingNoNumbers(in: json), target: target)
        throw ManifestProblem(code: .notJSON, entry: "", found: "")
    }

    /// Nil: it is no JSON object.
    private static func read(_ json: Data, target: String) throws -> Manifest? {
        guard let value: JSONValue = try? JSONDecoder().decode(JSONValue.self, from: json),
            case .object = value
        else { return nil }
        return try ManifestReader(root: ManifestEntry.root(value), target: target).manifest()
    }

    init(
        texts: ManifestReader.Texts, frame: PixelSize, side: Int, lesions: [Lesion],
        quality: QualitySpec?, inputName: String, exporter: [String: String], files: [String: FileSum]
    ) {
        target = texts.target
        precision = texts.precision
        variant = texts.variant
        task = texts.task
        mobileseg = texts.mobileseg
        artifact = texts.artifact
        name = texts.name
        self.frame = frame
        self.side = side
        self.lesions = lesions
        self.quality = quality
        self.inputName = inputName
        self.exporter = exporter
        self.files = files
    }

    /// The artifact's own sum; nil where it is a folder.
    public var artifactFile: FileSum? { files[artifact] }

    /// The sum by which evidence names the artifact.
    public func artifactSum(sha256: (Data) -> String) -> String {
        RetinaCore.artifactSum(of: artifact, files: files, sha256: sha256)
    }
}
