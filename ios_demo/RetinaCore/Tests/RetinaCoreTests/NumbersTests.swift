import Foundation
import RetinaCore
import XCTest

final class NumbersTests: XCTestCase {
    private let english: Locale = Locale(identifier: "en_GB")
    private let german: Locale = Locale(identifier: "de_DE")

    /// A mask with so many lesion pixels, and the retina's share that gives the area wanted.
    private func finding(pixels: Int, side: Int) -> Finding {
        let all: [Bool] = (0..<side * side).map { (pixel: Int) -> Bool in pixel < pixels }
        return Finding(mask: Mask(side: side, pixels: all), retina: 1)
    }

    func testSharesAreReadInTheLocalesDigits() {
        let one: Finding = finding(pixels: 43, side: 100)
        XCTAssertEqual(ShareText(one, locale: english).percent, "0.43")
        XCTAssertEqual(ShareText(one, locale: german).percent, "0,43")
        XCTAssertFalse(ShareText(one, locale: english).isBelow)
    }

    func testSomethingIsNeverCalledNothing() {
        let little: ShareText = ShareText(finding(pixels: 1, side: 256), locale: english)
        XCTAssertTrue(little.isBelow)
        XCTAssertEqual(little.percent, "0.01")
        let nothing: ShareText = ShareText(finding(pixels: 0, side: 256), locale: english)
        XCTAssertFalse(nothing.isBelow)
        XCTAssertEqual(nothing.percent, "0.00")
    }

    func testQuantilesAreNumPys() {
        XCTAssertEqual(quantile([3, 1, 2], at: 0.5), 2)
        XCTAssertEqual(quantile([4, 1, 3, 2], at: 0.5), 2.5)
        let ten: [Double] = (1...10).map { (value: Int) -> Double in Double(value) }
        XCTAssertEqual(quantile(ten, at: 0.9), 9.1, accuracy: 1e-12)
        XCTAssertEqual(quantile([7], at: 0.9), 7)
    }
}
