import Foundation
import RetinaCore
import XCTest

/// What ci/add_goldens.sh puts into the test bundle.
enum TestFiles {
    private final class Anchor {}

    static func url(_ path: String) throws -> URL {
        let folder: URL = try XCTUnwrap(Bundle(for: Anchor.self).resourceURL)
        return folder.appendingPathComponent(path)
    }

    static func data(_ path: String) throws -> Data {
        try Data(contentsOf: try url(path))
    }

    static func bytes(_ path: String) throws -> [UInt8] {
        [UInt8](try data(path))
    }

    static func decoded<Value: Decodable>(_ type: Value.Type, _ path: String) throws -> Value {
        try JSONDecoder().decode(type, from: try data(path))
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
