// CryptoKit, as far as the demo uses it: see FoundationOnApple.swift for what these files are.
import Foundation

public protocol Digest: ContiguousBytes, Hashable, Sendable, Sequence where Element == UInt8 {
    static var byteCount: Int { get }
}

public struct SHA256Digest: Digest {
    public static var byteCount: Int { fatalError() }

    public func makeIterator() -> Array<UInt8>.Iterator { fatalError() }
    public func withUnsafeBytes<Result>(
        _ body: (UnsafeRawBufferPointer) throws -> Result
    ) rethrows -> Result { fatalError() }
}

public protocol HashFunction: Sendable {
    associatedtype Digest: CryptoKit.Digest

    init()
}

extension HashFunction {
    public static func hash<Bytes: DataProtocol>(data: Bytes) -> Self.Digest { fatalError() }
}

public struct SHA256: HashFunction {
    public typealias Digest = SHA256Digest

    public init() {}
}
