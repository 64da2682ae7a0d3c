import Foundation
import RetinaCore
import XCTest

final class FrameFitterTests: XCTestCase {
    private struct Case: Decodable {
        let photo_hw: [Int]
        let orientation: Int
        let frame_hw: [Int]
        let upright_hw: [Int]
        let content_hw: [Int]
    }

    func testPhotoToFrameIsPythonsByteForByte() throws {
        let names: [String] = try Goldens.index().photo_to_frame
        XCTAssertFalse(names.isEmpty)
        for name in names {
            let folder: String = "photo_to_frame/\(name)"
            let wanted: Case = try Goldens.decoded(Case.self, "\(folder)/case.json")
            let photo: [UInt8] = try Goldens.bytes("\(folder)/photo.rgb")
            let stored: PixelSize = Goldens.size(wanted.photo_hw)
            let orientation: Orientation = Orientation(exif: wanted.orientation)
            XCTAssertEqual(orientation.turned(stored), Goldens.size(wanted.upright_hw), name)
            for strip in [1, 3, stored.height] {
                let (frame, content) = fitted(
                    photo, stored: stored, orientation: orientation,
                    frame: Goldens.size(wanted.frame_hw), rowsAtATime: strip)
                XCTAssertEqual(content, Goldens.size(wanted.content_hw), name)
                XCTAssertEqual(frame.rgb, try Goldens.bytes("\(folder)/frame.rgb"), name)
            }
        }
    }

    func testTheFourthByteOfAPixelIsPassedOver() throws {
        let rgb: [UInt8] = [10, 20, 30, 40, 50, 60]
        let rgbx: [UInt8] = [10, 20, 30, 255, 40, 50, 60, 255]
        let size: PixelSize = PixelSize(height: 1, width: 2)
        var fitter: FrameFitter = FrameFitter(stored: size, orientation: .upright, frame: size)
        rgbx.withUnsafeBufferPointer { (pixels: UnsafeBufferPointer<UInt8>) -> Void in
            fitter.add(pixels, rows: 1, bytesPerRow: 8, bytesPerPixel: 4)
        }
        XCTAssertEqual(fitter.finished().frame.rgb, rgb)
    }

    /// 50 megapixels, made a row at a time. Run in release (`swift test -c release`): minutes else.
    func testLargePhotosArePythonsByteForByte() throws {
        let photos: [LargePhoto] = try Goldens.index().large_photos
        XCTAssertFalse(photos.isEmpty)
        for photo in photos {
            let stored: PixelSize = Goldens.size(photo.photo_hw)
            var fitter: FrameFitter = FrameFitter(
                stored: stored, orientation: .upright, frame: Goldens.size(photo.frame_hw))
            var row: [UInt8] = [UInt8](repeating: 0, count: stored.width * 3)
            for y in 0..<stored.height {
                fillFormula(&row, row: y)
                row.withUnsafeBufferPointer { (pixels: UnsafeBufferPointer<UInt8>) -> Void in
                    fitter.add(pixels, rows: 1, bytesPerRow: pixels.count, bytesPerPixel: 3)
                }
            }
            let (frame, content) = fitter.finished()
            XCTAssertEqual(content, Goldens.size(photo.content_hw), photo.name)
            XCTAssertEqual(sha256(Data(frame.rgb)), photo.frame_sha256, photo.name)
        }
    }

    private func fillFormula(_ row: inout [UInt8], row y: Int) {
        for index in 0..<row.count {
            let x: Int = index / 3
            let level: Int = x * 31 + y * 17 + (index % 3) * 101
            row[index] = UInt8((level + ((x * y) >> 7)) & 255)
        }
    }

    private func fitted(
        _ photo: [UInt8], stored: PixelSize, orientation: Orientation, frame: PixelSize,
        rowsAtATime: Int
    ) -> (frame: Picture, content: PixelSize) {
        var fitter: FrameFitter = FrameFitter(
            stored: stored, orientation: orientation, frame: frame)
        let bytesPerRow: Int = stored.width * 3
        photo.withUnsafeBufferPointer { (pixels: UnsafeBufferPointer<UInt8>) -> Void in
            for top in stride(from: 0, to: stored.height, by: rowsAtATime) {
                let rows: Int = min(rowsAtATime, stored.height - top)
                let start: Int = top * bytesPerRow
                let strip: UnsafeBufferPointer<UInt8> = UnsafeBufferPointer<UInt8>(
                    rebasing: pixels[start..<start + rows * bytesPerRow])
                fitter.add(strip, rows: rows, bytesPerRow: bytesPerRow, bytesPerPixel: 3)
            }
        }
        return fitter.finished()
    }
}
