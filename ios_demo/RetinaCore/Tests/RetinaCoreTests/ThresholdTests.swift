import RetinaCore
import XCTest

final class ThresholdTests: XCTestCase {
    private struct Case: Decodable {
        let threshold: Double
        let count: Int
    }

    func testThresholdsCompareInFloat32() throws {
        let names: [String] = try Goldens.index().thresholds
        XCTAssertFalse(names.isEmpty)
        for name in names {
            let wanted: Case = try Goldens.decoded(Case.self, "thresholds/\(name)/case.json")
            let probabilities: [Float] = try Goldens.floats("thresholds/\(name)/probabilities.f32")
            let mask: [Bool] = thresholded(probabilities[...], at: wanted.threshold)
            let expected: [Bool] = try Goldens.bytes("thresholds/\(name)/mask.u8")
                .map { (byte: UInt8) -> Bool in byte == 1 }
            XCTAssertEqual(mask.count, wanted.count, name)
            XCTAssertEqual(mask, expected, name)
        }
    }
}
