import CoreGraphics
import Foundation
import ImageIO
import RetinaCore
import XCTest

@testable import RetinaDemo

/// The way of a picture file through the system's decoder into a frame.
final class PhotoReaderTests: XCTestCase {
    private struct Index: Decodable {
        struct Colours: Decodable {
            let profile: String
            let to: [Int]
        }

        let photo_to_frame: [String]
        let colours: [Colours]
    }

    private struct Case: Decodable {
        let photo_hw: [Int]
        let orientation: Int
        let frame_hw: [Int]
        let content_hw: [Int]
    }

    /// TIFF loses nothing and carries an orientation, so the frame has to be Python's to the byte.
    func testFilesOfEveryOrientationBecomePythonsFrames() throws {
        let index: Index = try TestFiles.decoded(Index.self, "goldens/index.json")
        XCTAssertFalse(index.photo_to_frame.isEmpty)
        for name in index.photo_to_frame {
            let folder: String = "goldens/photo_to_frame/\(name)"
            let wanted: Case = try TestFiles.decoded(Case.self, "\(folder)/case.json")
            let stored: Picture = Picture(
                size: TestFiles.size(wanted.photo_hw),
                rgb: try TestFiles.bytes("\(folder)/photo.rgb"))
            let file: Data = try tiff(of: stored, orientation: wanted.orientation)
            let reader: PhotoReader = PhotoReader(
                name: name, frame: TestFiles.size(wanted.frame_hw))
            let photo: Photo = try reader.photo(from: file)
            XCTAssertEqual(photo.content, TestFiles.size(wanted.content_hw), name)
            XCTAssertEqual(photo.frame.rgb, try TestFiles.bytes("\(folder)/frame.rgb"), name)
        }
    }

    func testWideColoursBecomePythonsWithinTwoLevels() throws {
        let index: Index = try TestFiles.decoded(Index.self, "goldens/index.json")
        let colours: [Index.Colours] = index.colours.filter {
            (colour: Index.Colours) -> Bool in colour.profile == "display-p3"
        }
        XCTAssertFalse(colours.isEmpty)
        let size: PixelSize = PixelSize(height: 32, width: 32)  // of the file
        let photo: Photo = try PhotoReader(name: "display-p3", frame: size)
            .photo(from: try TestFiles.data("goldens/colours/display-p3.png"))
        for (pixel, colour) in colours.enumerated() {
            for channel in 0..<3 {
                let found: Int = Int(photo.frame.rgb[pixel * 3 + channel])
                XCTAssertLessThanOrEqual(
                    abs(found - colour.to[channel]), 2, "colour \(pixel), channel \(channel)")
            }
        }
    }

    func testWhatIsNoPictureIsSaidSo() {
        XCTAssertThrowsError(try read(Data("no picture".utf8))) { (error: Error) in
            XCTAssertEqual(error as? Problem, Problem.photoUnreadable(name: "photo"))
        }
    }

    func testALargeFileIsRefusedBeforeItIsOpened() {
        let large: Data = Data(count: Constants.mostFileBytes + 1)
        XCTAssertThrowsError(try read(large)) { (error: Error) in
            XCTAssertEqual(error as? Problem, Problem.fileLarge(name: "photo", megabytes: 100))
        }
    }

    func testTooManyPixelsAreRefusedBeforeTheyAreDecoded() throws {
        // A real picture of 51 megapixels in a few kilobytes: all black.
        let space: CGColorSpace = try XCTUnwrap(CGColorSpace(name: CGColorSpace.linearGray))
        let context: CGContext = try XCTUnwrap(
            CGContext(
                data: nil, width: 10_200, height: 5000, bitsPerComponent: 8, bytesPerRow: 0,
                space: space, bitmapInfo: CGImageAlphaInfo.none.rawValue))
        let image: CGImage = try XCTUnwrap(context.makeImage())
        let file: Data = try written(image, type: "public.png", orientation: 1)
        XCTAssertThrowsError(try read(file)) { (error: Error) in
            XCTAssertEqual(error as? Problem, Problem.photoLarge(name: "photo", megapixels: 51))
        }
    }

    private func read(_ file: Data) throws -> Photo {
        try PhotoReader(name: "photo", frame: PixelSize(height: 64, width: 64))
            .photo(from: file)
    }

    private func tiff(of picture: Picture, orientation: Int) throws -> Data {
        let image: CGImage = try XCTUnwrap(cgImage(of: picture))
        return try written(image, type: "public.tiff", orientation: orientation)
    }

    private func written(_ image: CGImage, type: String, orientation: Int) throws -> Data {
        let file: NSMutableData = NSMutableData()
        let destination: CGImageDestination = try XCTUnwrap(
            CGImageDestinationCreateWithData(file, type as CFString, 1, nil))
        let properties: [CFString: Any] = [kCGImagePropertyOrientation: orientation]
        CGImageDestinationAddImage(destination, image, properties as CFDictionary)
        XCTAssertTrue(CGImageDestinationFinalize(destination))
        return file as Data
    }
}
