import Foundation
import RetinaCore
import XCTest

final class OverlayTests: XCTestCase {
    private struct Case: Decodable {
        struct Drawn: Decodable {
            let code: String
            let threshold: Double
            let colour: [UInt8]
            let shown: Bool
        }

        struct Found: Decodable {
            let count: Int
            let pixels: Int
            let area: Double
            let basis_points: Int
        }

        struct Expected: Decodable {
            let flags: [String]
            let lesions: [String: Found]
        }

        let frame_hw: [Int]
        let content_hw: [Int]
        let side: Int
        let crop: [Int]
        let retina: Double
        let opacity: Int
        let lesions: [Drawn]
        let expected: Expected

        var square: Crop {
            Crop(left: crop[0], top: crop[1], width: crop[2], height: crop[3])
        }
    }

    func testOverlaysArePythonsByteForByte() throws {
        let names: [String] = try Goldens.index().overlays
        XCTAssertFalse(names.isEmpty)
        for name in names {
            let wanted: Case = try Goldens.decoded(Case.self, "overlays/\(name)/case.json")
            let masks: [Mask] = try self.masks(of: wanted, name: name)
            var layers: [Layer] = []
            for (mask, lesion) in zip(masks, wanted.lesions) where lesion.shown {
                layers.append(Layer(mask: mask, colour: colour(lesion.colour)))
            }
            let frame: Picture = Picture(
                size: Goldens.size(wanted.frame_hw),
                rgb: try Goldens.bytes("overlays/\(name)/frame.rgb"))
            let drawn: Picture = drawOverlay(
                frame: frame, content: Goldens.size(wanted.content_hw), crop: wanted.square,
                layers: layers, opacity: wanted.opacity)
            XCTAssertEqual(drawn.rgb, try Goldens.bytes("overlays/\(name)/overlay.rgb"), name)
        }
    }

    func testFindingsAndFlagsArePythons() throws {
        for name in try Goldens.index().overlays {
            let wanted: Case = try Goldens.decoded(Case.self, "overlays/\(name)/case.json")
            let masks: [Mask] = try self.masks(of: wanted, name: name)
            XCTAssertEqual(wanted.expected.lesions.count, wanted.lesions.count, name)
            for (mask, lesion) in zip(masks, wanted.lesions) {
                let found: Finding = Finding(mask: mask, retina: wanted.retina)
                let expected: Case.Found = try XCTUnwrap(wanted.expected.lesions[lesion.code])
                let place: String = "\(name) \(lesion.code)"
                XCTAssertEqual(found.count, expected.count, place)
                XCTAssertEqual(found.pixels, expected.pixels, place)
                XCTAssertEqual(found.area, expected.area, accuracy: 1e-15, place)
                XCTAssertEqual(found.basisPoints, expected.basis_points, place)
            }
            let raised: [Flag] = flags(
                retina: wanted.retina, crop: wanted.square, side: wanted.side)
            XCTAssertEqual(raised.map(\.rawValue), wanted.expected.flags, name)
        }
    }

    private func masks(of wanted: Case, name: String) throws -> [Mask] {
        let probabilities: [Float] = try Goldens.floats("overlays/\(name)/probabilities.f32")
        let pixels: Int = wanted.side * wanted.side
        XCTAssertEqual(probabilities.count, pixels * wanted.lesions.count, name)
        return wanted.lesions.indices.map { (channel: Int) -> Mask in
            let slice: ArraySlice<Float> = probabilities[channel * pixels..<(channel + 1) * pixels]
            let threshold: Double = wanted.lesions[channel].threshold
            return Mask(side: wanted.side, pixels: thresholded(slice, at: threshold))
        }
    }

    private func colour(_ levels: [UInt8]) -> Colour {
        Colour(red: levels[0], green: levels[1], blue: levels[2])
    }
}
