import CoreVideo
import Foundation
import RetinaCore

/// The frame's very bytes as Core ML takes a picture. BGRA, since Core ML knows no RGB buffer; it
/// puts the channels in the model's order and changes no value.
func pixelBuffer(of frame: Picture) throws -> CVPixelBuffer {
    let attributes: [String: Any] = [
        // The Neural Engine and the GPU read a surface without a copy.
        kCVPixelBufferIOSurfacePropertiesKey as String: [String: Any]()
    ]
    var created: CVPixelBuffer?
    let status: CVReturn = CVPixelBufferCreate(
        kCFAllocatorDefault, frame.size.width, frame.size.height, kCVPixelFormatType_32BGRA,
        attributes as CFDictionary, &created)
    guard status == kCVReturnSuccess, let buffer: CVPixelBuffer = created else {
        throw Problem.memory
    }
    CVPixelBufferLockBaseAddress(buffer, [])
    defer { CVPixelBufferUnlockBaseAddress(buffer, []) }
    guard let base: UnsafeMutableRawPointer = CVPixelBufferGetBaseAddress(buffer) else {
        throw Problem.memory
    }
    fill(base, bytesPerRow: CVPixelBufferGetBytesPerRow(buffer), with: frame)
    return buffer
}

private func fill(_ base: UnsafeMutableRawPointer, bytesPerRow: Int, with frame: Picture) {
    let bytes: UnsafeMutablePointer<UInt8> = base.assumingMemoryBound(to: UInt8.self)
    frame.rgb.withUnsafeBufferPointer { (rgb: UnsafeBufferPointer<UInt8>) -> Void in
        var source: Int = 0
        for row in 0..<frame.size.height {
            var to: Int = row * bytesPerRow
            for _ in 0..<frame.size.width {
                bytes[to] = rgb[source + 2]
                bytes[to + 1] = rgb[source + 1]
                bytes[to + 2] = rgb[source]
                bytes[to + 3] = 255
                source += Picture.channels
                to += 4
            }
        }
    }
}
