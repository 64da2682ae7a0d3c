// CoreVideo, as far as the demo uses it: see FoundationOnApple.swift for what these files are.
@_exported import FoundationOnApple

public typealias OSType = UInt32
public typealias CVReturn = Int32
public typealias CVImageBuffer = CVBuffer
public typealias CVPixelBuffer = CVImageBuffer

public final class CVBuffer {}

public struct CVPixelBufferLockFlags: OptionSet, Sendable {
    public static var readOnly: CVPixelBufferLockFlags { fatalError() }

    public let rawValue: UInt64

    public init(rawValue: UInt64) { self.rawValue = rawValue }
}

public let kCVPixelBufferIOSurfacePropertiesKey: CFString = ""
public var kCVPixelFormatType_32BGRA: OSType { fatalError() }
public var kCVReturnSuccess: CVReturn { fatalError() }

@discardableResult  // as every function of C's
public func CVPixelBufferCreate(
    _ allocator: CFAllocator?, _ width: Int, _ height: Int, _ pixelFormatType: OSType,
    _ pixelBufferAttributes: CFDictionary?,
    _ pixelBufferOut: UnsafeMutablePointer<CVPixelBuffer?>
) -> CVReturn { fatalError() }

@discardableResult
public func CVPixelBufferLockBaseAddress(
    _ pixelBuffer: CVPixelBuffer, _ lockFlags: CVPixelBufferLockFlags
) -> CVReturn { fatalError() }

@discardableResult
public func CVPixelBufferUnlockBaseAddress(
    _ pixelBuffer: CVPixelBuffer, _ unlockFlags: CVPixelBufferLockFlags
) -> CVReturn { fatalError() }

public func CVPixelBufferGetBaseAddress(
    _ pixelBuffer: CVPixelBuffer
) -> UnsafeMutableRawPointer? { fatalError() }

public func CVPixelBufferGetBytesPerRow(_ pixelBuffer: CVPixelBuffer) -> Int { fatalError() }
