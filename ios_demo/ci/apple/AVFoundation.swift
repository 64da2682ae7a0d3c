// AVFoundation, as far as the demo uses it: see FoundationOnApple.swift for what these files are.
@_exported import Foundation

public enum AVAuthorizationStatus: Int, @unchecked Sendable {
    case notDetermined, restricted, denied, authorized
}

public struct AVMediaType: Hashable, RawRepresentable, Sendable {
    public static let audio: AVMediaType = AVMediaType(rawValue: "")
    public static let video: AVMediaType = AVMediaType(rawValue: "")

    public let rawValue: String

    public init(rawValue: String) { self.rawValue = rawValue }
}

open class AVCaptureDevice: NSObject {
    open class func authorizationStatus(for mediaType: AVMediaType) -> AVAuthorizationStatus {
        fatalError()
    }
}
