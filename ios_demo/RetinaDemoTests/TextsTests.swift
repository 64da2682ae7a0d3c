import Foundation
import RetinaCore
import XCTest

@testable import RetinaDemo

final class TextsTests: XCTestCase {
    func testEveryTextIsThereInEveryLanguage() throws {
        for language in ["en", "de"] {
            let path: String = try XCTUnwrap(
                Bundle.main.path(forResource: language, ofType: "lproj"), language)
            let bundle: Bundle = try XCTUnwrap(Bundle(path: path))
            for key in TextKey.allCases {
                let text: String = bundle.localizedString(
                    forKey: key.rawValue, value: nil, table: nil)
                XCTAssertNotEqual(text, key.rawValue, "\(language): \(key.rawValue)")
            }
        }
    }

    func testPlacesAreFilledAndPercentSignsStay() {
        XCTAssertTrue(Texts.text(.areaValue, "0.42").hasPrefix("0.42"))
        XCTAssertTrue(Texts.text(.areaValue, "0.42").hasSuffix("%"))
        XCTAssertFalse(Texts.text(.areaValue, "0.42").hasSuffix("%%"))
    }
}
