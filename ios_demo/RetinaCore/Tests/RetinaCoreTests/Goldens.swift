import Foundation
import RetinaCore

/// tests/goldens, which the Python package writes and every language reads where they lie.
enum Goldens {
    static let folder: URL = {
        var repository: URL = URL(fileURLWithPath: #filePath)
        for _ in ["Goldens.swift", "RetinaCoreTests", "Tests", "RetinaCore", "ios_demo"] {
            repository.deleteLastPathComponent()
        }
        return repository.appendingPathComponent("tests/goldens")
    }()

    static func data(_ path: String) throws -> Data {
        try Data(contentsOf: folder.appendingPathComponent(path))
    }

    static func bytes(_ path: String) throws -> [UInt8] {
        [UInt8](try data(path))
    }

    static func decoded<Value: Decodable>(_ type: Value.Type, _ path: String) throws -> Value {
        try JSONDecoder().decode(type, from: try data(path))
    }

    static func index() throws -> Index {
        try decoded(Index.self, "index.json")
    }

    /// Little-endian float32.
    static func floats(_ path: String) throws -> [Float] {
        let raw: [UInt8] = try bytes(path)
        return stride(from: 0, to: raw.count, by: 4).map { (start: Int) -> Float in
            var bits: UInt32 = 0
            for place in (0..<4).reversed() {
                bits = bits << 8 | UInt32(raw[start + place])
            }
            return Float(bitPattern: bits)
        }
    }

    static func size(_ heightWidth: [Int]) -> PixelSize {
        PixelSize(height: heightWidth[0], width: heightWidth[1])
    }
}

/// Entries are called as they are in the files.
struct Index: Decodable {
    let format: Int
    let constants: GoldenConstants
    let photo_to_frame: [String]
    let large_photos: [LargePhoto]
    let thresholds: [String]
    let overlays: [String]
    let manifests: [GoldenManifest]
    let artifact_sums: [GoldenSum]
    let quality: [String]
}

struct GoldenConstants: Decodable {
    struct Kind: Decodable {
        let code: String
    }

    let opacity: Int
    let schema: Int
    let oldest_schema: Int
    let most_megapixels: Int
    let most_file_bytes: Int
    let lesions: [Kind]
    let flags: [String]
    let flags_by_values: [String]
}

struct LargePhoto: Decodable {
    let name: String
    let photo_hw: [Int]
    let frame_hw: [Int]
    let content_hw: [Int]
    let frame_sha256: String
}

struct GoldenManifest: Decodable {
    struct Problem: Decodable {
        let code: String
        let entry: String
    }

    struct Expected: Decodable {
        struct Constants: Decodable {
            let a: Double
            let b: Double
        }

        struct Lesion: Decodable {
            let code: String
            let names: [String: String]
            let threshold: Double
            let colour: [Int]
            let calibration: Constants?
        }

        let target: String
        let mobileseg: String
        let precision: String
        let variant: String
        let task: String
        let artifact: String
        let name: String
        let frame_hw: [Int]
        let side: Int
        let lesions: [Lesion]
        let quality: GoldenQuality?
        let exporter: [String: String]
        let sha256: String?
        let bytes: Int?
    }

    let file: String
    let target: String
    let expected: Expected?
    let problem: Problem?
}

/// A manifest's or a case's, which are right: taken without a check.
struct GoldenQuality: Decodable {
    struct Value: Decodable {
        let name: String
        let meaning: String
        let least: Double?
        let most: Double?
        let flag_below: String?
        let flag_above: String?
    }

    let usable: Double
    let values: [Value]

    var spec: QualitySpec {
        QualitySpec(
            usable: usable,
            values: values.map { (value: Value) -> QualityValue in
                QualityValue(
                    name: value.name, meaning: value.meaning, least: value.least,
                    most: value.most, below: value.flag_below.flatMap(Flag.init(rawValue:)),
                    above: value.flag_above.flatMap(Flag.init(rawValue:)))
            })
    }
}

struct GoldenSum: Decodable {
    struct Listed: Decodable {
        let sha256: String
        let bytes: Int
    }

    let artifact: String
    let files: [String: Listed]
    let sha256: String
}
