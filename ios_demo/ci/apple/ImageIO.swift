// ImageIO, as far as the demo uses it: see FoundationOnApple.swift for what these files are.
@_exported import CoreGraphics

public final class CGImageDestination {}
public final class CGImageSource {}

public enum CGImageSourceStatus: Int32, Sendable {
    case statusUnexpectedEOF = -5
    case statusInvalidData = -4
    case statusUnknownType = -3
    case statusReadingHeader = -2
    case statusIncomplete = -1
    case statusComplete = 0
}

public let kCGImagePropertyOrientation: CFString = ""
public let kCGImagePropertyPixelHeight: CFString = ""
public let kCGImagePropertyPixelWidth: CFString = ""

public func CGImageSourceCreateWithData(
    _ data: CFData, _ options: CFDictionary?
) -> CGImageSource? { fatalError() }

public func CGImageSourceGetStatus(_ source: CGImageSource) -> CGImageSourceStatus { fatalError() }

public func CGImageSourceCopyPropertiesAtIndex(
    _ source: CGImageSource, _ index: Int, _ options: CFDictionary?
) -> CFDictionary? { fatalError() }

public func CGImageSourceCreateImageAtIndex(
    _ source: CGImageSource, _ index: Int, _ options: CFDictionary?
) -> CGImage? { fatalError() }

public func CGImageDestinationCreateWithData(
    _ data: CFMutableData, _ type: CFString, _ count: Int, _ options: CFDictionary?
) -> CGImageDestination? { fatalError() }

public func CGImageDestinationAddImage(
    _ destination: CGImageDestination, _ image: CGImage, _ properties: CFDictionary?
) {}

@discardableResult  // as every function of C's
public func CGImageDestinationFinalize(_ destination: CGImageDestination) -> Bool { fatalError() }
