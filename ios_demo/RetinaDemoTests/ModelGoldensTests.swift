import Foundation
import RetinaCore
import XCTest

@testable import RetinaDemo

/// The bundled model on the bundle's own frames: goldens in, goldens out.
final class ModelGoldensTests: XCTestCase {
    private struct Expected: Decodable {
        struct Listed: Decodable {
            let shape: [Int]
        }

        let frame: Listed
        let crop: [Float]
        let retina: Double
        let quality: [Float]?  // of a model that has it
    }

    /// What a probability may differ by: "apple" in converters/parity/tolerances.py.
    private static let tolerances: [String: Float] = [
        "fp32": 1e-4, "fp16": 0.05, "int8w": 0.45, "pal8w": 0.16, "pal6w": 0.75
    ]
    private static let goldens: [String] = ["retina", "black"]

    func testTheModelAnswersAsTheReferenceOnTheCPU() async throws {
        try await check(.cpuOnly)
    }

    func testTheModelAnswersAsTheReferenceWhereverCoreMLPutsIt() async throws {
        try await check(.all)
    }

    private func check(_ units: ComputeUnits) async throws {
        let model: BundledModel = try bundledModel()
        let tolerance: Float = try XCTUnwrap(
            ModelGoldensTests.tolerances[model.manifest.precision], model.manifest.precision)
        let runner: ModelRunner = try await ModelRunner(
            compiled: try await model.compiled(), manifest: model.manifest, units: units)
        for name in ModelGoldensTests.goldens {
            let folder: String = "ModelGoldens/\(name)"
            let expected: Expected = try TestFiles.decoded(
                Expected.self, "\(folder)/expected.json")
            let frame: Picture = Picture(
                size: TestFiles.size(expected.frame.shape),
                rgb: try TestFiles.bytes("\(folder)/frame.rgb"))
            let answer: Answer = try await runner.answer(to: frame)
            let wanted: [Float] = try TestFiles.floats("\(folder)/probabilities.f32")
            XCTAssertEqual(answer.probabilities.count, wanted.count, name)
            let apart: Float = zip(answer.probabilities, wanted)
                .map { (found: Float, value: Float) -> Float in abs(found - value) }
                .max() ?? Float.infinity
            XCTAssertLessThanOrEqual(apart, tolerance, "\(name) on \(units.rawValue)")
            XCTAssertEqual(answer.crop, crop(expected.crop), name)
            XCTAssertEqual(answer.retina, expected.retina, accuracy: 1e-6, name)
            let qualities: [Float] = expected.quality ?? []
            XCTAssertEqual(answer.quality?.count ?? 0, qualities.count, name)
            for (found, value) in zip(answer.quality ?? [], qualities) {
                // As in converters/parity/tolerances.py, "quality_written".
                XCTAssertEqual(found, value, accuracy: 1e-3, name)
            }
        }
    }

    private func crop(_ values: [Float]) -> Crop {
        Crop(
            left: Int(values[0]), top: Int(values[1]), width: Int(values[2]),
            height: Int(values[3]))
    }

    private func bundledModel() throws -> BundledModel {
        do {
            return try BundledModel(in: Bundle.main)
        } catch Problem.noModel {
            throw XCTSkip("not run: no model here; mobileseg bundle-apps BUNDLE puts one in")
        }
    }
}
