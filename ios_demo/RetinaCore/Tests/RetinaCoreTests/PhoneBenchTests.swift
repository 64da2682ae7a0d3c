import Foundation
import RetinaCore
import XCTest

final class PhoneBenchTests: XCTestCase {
    func testTheBenchmarksJSONHasWhatTheImportAsksFor() throws {
        let values: [String: JSONValue] = try written()
        let expected: [String: JSONValue] = [
            "schema": .number(1),
            "kind": .text("mobileseg-phone-bench"),
            "date": .text("1970-01-02T00:00:00+00:00"),
            "app": .text("ios"),
            "app_version": .text("1.0"),
            "device": .text("iPhone15,2"),
            "system": .text("iOS 17.5"),
            "abi": .text("arm64"),
            "cores": .number(6),
            "runtime": .text("coreml all"),
            "artifact_sha256": .text("ab"),
            "target": .text("coreml"),
            "load_ms": .number(12.5),
            "warmup": .number(5),
            "rounds_ms": .list([.number(4), .number(2), .number(3)]),
            "median_ms": .number(3),
            "p90_ms": .number(3.8),
            "battery_saver": .bool(false),
            "thermal": .text("none")
        ]
        for (name, value) in expected {
            XCTAssertEqual(values[name], value, name)
        }
        let fromManifest: Set<String> = ["precision", "frame_hw"]
        XCTAssertEqual(Set(values.keys), Set(expected.keys).union(fromManifest))
    }

    private func written() throws -> [String: JSONValue] {
        let manifest: Manifest = try Manifest(
            try Goldens.data("manifests/coreml.json"), target: "coreml")
        let bench: PhoneBench = PhoneBench(
            date: Date(timeIntervalSince1970: 86_400), appVersion: "1.0",
            device: PhoneBench.Device(
                name: "iPhone15,2", system: "iOS 17.5", abi: "arm64", cores: 6),
            run: PhoneBench.Run(
                runtime: "coreml all", loadMs: 12.5, warmup: 5, roundsMs: [4, 2, 3],
                batterySaver: false, thermal: "none"),
            manifest: manifest, artifactSum: "ab")
        guard case .object(let values) = try JSONDecoder().decode(
            JSONValue.self, from: try bench.json())
        else {
            XCTFail("no JSON object")
            return [:]
        }
        return values
    }
}
