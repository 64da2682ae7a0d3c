import Foundation
import RetinaCore
import XCTest

final class QualityTests: XCTestCase {
    private struct Case: Decodable {
        struct Expected: Decodable {
            let lesions: [String: Float]
            let shown: Float
            let percent: Int
            let usable: Bool
            let flags: [String]
            let sentences: [String: [String]]
        }

        let quality: GoldenQuality
        let lesions: [String]
        let output: [Float?]  // null: NaN, which JSON does not know
        let raised: [String]
        let expected: Expected

        var numbers: [Float] {
            output.map { (value: Float?) -> Float in value ?? Float.nan }
        }

        func judged(_ numbers: [Float]) throws -> PictureQuality? {
            let flags: [Flag] = try raised.map { (code: String) -> Flag in
                try XCTUnwrap(Flag(rawValue: code), code)
            }
            return PictureQuality(
                numbers, lesions: lesions.count, spec: quality.spec, raised: flags)
        }
    }

    func testQualityAndSentencesArePythons() throws {
        let names: [String] = try Goldens.index().quality
        XCTAssertFalse(names.isEmpty)
        let texts: [String: [String: String]] = try Goldens.decoded(
            [String: [String: String]].self, "texts.json")
        for name in names {
            let wanted: Case = try Goldens.decoded(Case.self, "quality/\(name).json")
            let found: PictureQuality = try XCTUnwrap(try wanted.judged(wanted.numbers), name)
            let shares: [Float?] = wanted.lesions.map { (code: String) -> Float? in
                wanted.expected.lesions[code]
            }
            XCTAssertEqual(found.lesions, shares, name)
            XCTAssertEqual(found.shown, wanted.expected.shown, name)
            XCTAssertEqual(found.percent, wanted.expected.percent, name)
            XCTAssertEqual(found.isUsable, wanted.expected.usable, name)
            XCTAssertEqual(found.flags.map(\.rawValue), wanted.expected.flags, name)
            let keys: [String] = said(of: found.flags, isUsable: found.isUsable).map {
                (flag: Flag) -> String in
                "flag_" + flag.rawValue.replacingOccurrences(of: "-", with: "_")
            }
            for (language, sentences) in wanted.expected.sentences {
                let spoken: [String?] = keys.map { (key: String) -> String? in
                    texts[key]?[language]
                }
                XCTAssertEqual(spoken, sentences, "\(name) \(language)")
            }
        }
    }

    func testAnotherNumberOfValuesIsNoQuality() throws {
        let wanted: Case = try Goldens.decoded(Case.self, "quality/good.json")
        XCTAssertNil(try wanted.judged(wanted.numbers + [1]))
        XCTAssertNil(try wanted.judged([]))
    }
}
