import Foundation
import RetinaCore
import XCTest

/// A converted bundle, where one was laid beside the goldens as tests/bundle with what Python made
/// of it: `tests/apps/test_ios_core.py` does.
final class BundleTests: XCTestCase {
    private struct Made: Decodable {
        let artifact_sha256: String
        let crop: [Int]
        let retina: Double
        let opacity: Int
        let counts: [Int]
    }

    func testABundleIsReadSummedAndDrawnAsPythonDoes() throws {
        let bundle: URL = Goldens.folder.deletingLastPathComponent().appendingPathComponent("bundle")
        guard FileManager.default.fileExists(atPath: bundle.path) else {
            throw XCTSkip("not run: no bundle beside the goldens")
        }
        let made: Made = try Goldens.decoded(Made.self, "../bundle/made.json")
        let manifest: Manifest = try Manifest(
            try Goldens.data("../bundle/model.json"), target: "coreml")
        XCTAssertEqual(manifest.artifactSum(sha256: sha256), made.artifact_sha256)

        let values: [Float] = try Goldens.floats("../bundle/probabilities.f32")
        let pixels: Int = manifest.side * manifest.side
        var layers: [Layer] = []
        var counts: [Int] = []
        for (channel, lesion) in manifest.lesions.enumerated() {
            let slice: ArraySlice<Float> = values[channel * pixels..<(channel + 1) * pixels]
            let mask: Mask = Mask(
                side: manifest.side, pixels: thresholded(slice, at: lesion.threshold))
            layers.append(Layer(mask: mask, colour: lesion.colour))
            counts.append(Finding(mask: mask, retina: made.retina).count)
        }
        XCTAssertEqual(counts, made.counts)
        let drawn: Picture = drawOverlay(
            frame: Picture(size: manifest.frame, rgb: try Goldens.bytes("../bundle/frame.rgb")),
            content: manifest.frame,
            crop: Crop(
                left: made.crop[0], top: made.crop[1], width: made.crop[2], height: made.crop[3]),
            layers: layers, opacity: made.opacity)
        XCTAssertEqual(drawn.rgb, try Goldens.bytes("../bundle/overlay.rgb"))
    }
}
