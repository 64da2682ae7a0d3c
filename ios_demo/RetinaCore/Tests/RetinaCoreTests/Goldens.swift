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
}

struct GoldenConstants: Decodable {
    struct Kind: Decodable {
        let code: String
    }

    let opacity: Int
    let schema: Int
    let most_megapixels: Int
    let most_file_bytes: Int
    let lesions: [Kind]
    let no_retina: String
    let too_small: String
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
        struct Lesion: Decodable {
            let code: String
            let name: String
            let threshold: Double
            let colour: [Int]
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
        let exporter: [String: String]
        let sha256: String?
        let bytes: Int?
    }

    let file: String
    let target: String
    let expected: Expected?
    let problem: Problem?
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
