import CoreGraphics
import Foundation
import RetinaCore

/// RGB bytes as the screen takes them.
func cgImage(of picture: Picture) -> CGImage? {
    guard let space: CGColorSpace = CGColorSpace(name: CGColorSpace.sRGB),
        let provider: CGDataProvider = CGDataProvider(data: Data(picture.rgb) as CFData)
    else {
        return nil
    }
    return CGImage(
        width: picture.size.width, height: picture.size.height, bitsPerComponent: 8,
        bitsPerPixel: 8 * Picture.channels, bytesPerRow: picture.size.width * Picture.channels,
        space: space, bitmapInfo: CGBitmapInfo(rawValue: CGImageAlphaInfo.none.rawValue),
        provider: provider, decode: nil, shouldInterpolate: true,
        intent: CGColorRenderingIntent.defaultIntent)
}
