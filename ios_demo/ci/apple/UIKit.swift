// UIKit, as far as the demo uses it: see FoundationOnApple.swift for what these files are.
//
// @preconcurrency, because every declaration of Objective-C's is.
@_exported import CoreGraphics
@_exported import Foundation

@MainActor @preconcurrency open class UIResponder: NSObject {}
@MainActor @preconcurrency open class UIViewController: UIResponder {}
@MainActor @preconcurrency open class UINavigationController: UIViewController {}

@MainActor @preconcurrency public protocol UINavigationControllerDelegate: NSObjectProtocol {}

/// Apple's methods are optional: one that is misspelt is never called. Here they have to be there.
@MainActor @preconcurrency public protocol UIImagePickerControllerDelegate: NSObjectProtocol {
    func imagePickerController(
        _ picker: UIImagePickerController,
        didFinishPickingMediaWithInfo info: [UIImagePickerController.InfoKey: Any])
    func imagePickerControllerDidCancel(_ picker: UIImagePickerController)
}

@MainActor @preconcurrency open class UIImagePickerController: UINavigationController {
    public enum SourceType: Int, @unchecked Sendable {
        case photoLibrary, camera, savedPhotosAlbum
    }

    public struct InfoKey: Hashable, RawRepresentable, Sendable {
        public static let originalImage: InfoKey = InfoKey(rawValue: "")

        public let rawValue: String

        public init(rawValue: String) { self.rawValue = rawValue }
    }

    open class func isSourceTypeAvailable(_ sourceType: SourceType) -> Bool { fatalError() }

    weak open var delegate:
        (any UIImagePickerControllerDelegate & UINavigationControllerDelegate)?
    {
        get { fatalError() }
        set { fatalError() }
    }

    open var sourceType: SourceType {
        get { fatalError() }
        set { fatalError() }
    }
}

open class UIImage: NSObject, @unchecked Sendable {
    open func jpegData(compressionQuality: CGFloat) -> Data? { fatalError() }
}

@MainActor @preconcurrency open class UIDevice: NSObject {
    open class var current: UIDevice { fatalError() }

    open var systemName: String { fatalError() }
    open var systemVersion: String { fatalError() }
}

public enum UIAccessibility {
    public struct Notification: Hashable, RawRepresentable, Sendable {
        public static let announcement: Notification = Notification(rawValue: 0)

        public let rawValue: UInt32

        public init(rawValue: UInt32) { self.rawValue = rawValue }
    }

    @MainActor @preconcurrency
    public static func post(notification: Notification, argument: Any?) {}
}
