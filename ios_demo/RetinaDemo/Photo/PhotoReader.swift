import CoreGraphics
import Foundation
import ImageIO
import RetinaCore

/// From a picture file to a frame: decoded by the system, shrunk by us, because every system
/// shrinks differently and the model is to see the same pixels everywhere.
struct PhotoReader {
    private static let pixelsPerStrip: Int = 2_000_000  // 8 MB of a decoded photo at a time

    let name: String  // for messages
    let frame: PixelSize

    func photo(from data: Data) throws -> Photo {
        guard data.count <= Constants.mostFileBytes else {
            throw Problem.fileLarge(name: name, megabytes: data.count / 1_000_000)
        }
        guard let source: CGImageSource = CGImageSourceCreateWithData(data as CFData, nil),
            CGImageSourceGetStatus(source) == .statusComplete,
            let properties: [CFString: Any] =
                CGImageSourceCopyPropertiesAtIndex(source, 0, nil) as? [CFString: Any],
            let height: Int = properties[kCGImagePropertyPixelHeight] as? Int,
            let width: Int = properties[kCGImagePropertyPixelWidth] as? Int, height > 0, width > 0
        else {
            throw Problem.photoUnreadable(name: name)
        }
        // Before decoding: what a header claims costs memory only once it is believed.
        try refuseLarge(PixelSize(height: height, width: width))
        guard let image: CGImage = CGImageSourceCreateImageAtIndex(source, 0, nil) else {
            throw Problem.photoUnreadable(name: name)
        }
        let exif: Int = properties[kCGImagePropertyOrientation] as? Int ?? 1
        return try photo(from: image, orientation: Orientation(exif: exif))
    }

    private func refuseLarge(_ size: PixelSize) throws {
        let million: Int = 1_000_000
        guard size.pixels <= Constants.mostMegapixels * million else {
            // Rounded up, so that no message says "50 of at most 50".
            throw Problem.photoLarge(
                name: name, megapixels: (size.pixels + million - 1) / million)
        }
    }

    /// ImageIO keeps one decoded copy, and may drop it; here there is only ever a strip.
    private func photo(from image: CGImage, orientation: Orientation) throws -> Photo {
        let size: PixelSize = PixelSize(height: image.height, width: image.width)
        let rows: Int = max(1, min(size.height, PhotoReader.pixelsPerStrip / size.width))
        let context: CGContext = try stripContext(width: size.width, rows: rows)
        guard let base: UnsafeMutableRawPointer = context.data else { throw Problem.memory }
        let bytes: UnsafePointer<UInt8> = UnsafePointer<UInt8>(
            base.assumingMemoryBound(to: UInt8.self))
        var fitter: FrameFitter = FrameFitter(
            stored: size, orientation: orientation, frame: frame)
        for top in stride(from: 0, to: size.height, by: rows) {
            autoreleasepool {
                draw(image, from: top, into: context)
            }
            fitter.add(
                UnsafeBufferPointer<UInt8>(start: bytes, count: context.bytesPerRow * rows),
                rows: min(rows, size.height - top), bytesPerRow: context.bytesPerRow,
                bytesPerPixel: 4)
        }
        let fitted: (frame: Picture, content: PixelSize) = fitter.finished()
        return Photo(frame: fitted.frame, content: fitted.content)
    }

    /// sRGB without opacity: wide colours are converted as drawn, what is clear becomes black.
    private func stripContext(width: Int, rows: Int) throws -> CGContext {
        guard let space: CGColorSpace = CGColorSpace(name: CGColorSpace.sRGB),
            let context: CGContext = CGContext(
                data: nil, width: width, height: rows, bitsPerComponent: 8, bytesPerRow: 0,
                space: space, bitmapInfo: CGImageAlphaInfo.noneSkipLast.rawValue)
        else {
            throw Problem.memory
        }
        context.interpolationQuality = .none  // pixel for pixel
        context.setRenderingIntent(.relativeColorimetric)  // as the Python package converts
        return context
    }

    /// Core Graphics counts rows from the bottom: the picture is moved so that its row `top` is
    /// the context's first.
    private func draw(_ image: CGImage, from top: Int, into context: CGContext) {
        let whole: CGRect = CGRect(x: 0, y: 0, width: context.width, height: context.height)
        context.setFillColor(red: 0, green: 0, blue: 0, alpha: 1)
        context.fill(whole)
        context.draw(
            image,
            in: CGRect(
                x: 0, y: context.height - image.height + top, width: image.width,
                height: image.height))
    }
}
