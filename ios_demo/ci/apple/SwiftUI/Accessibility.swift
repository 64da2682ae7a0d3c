// What VoiceOver says and does.

@MainActor @preconcurrency public protocol ViewModifier {}

public struct ModifiedContent<Content, Modifier> {}

extension ModifiedContent: View, Primitive where Content: View, Modifier: ViewModifier {
    public typealias Body = Never
}

public struct AccessibilityAttachmentModifier: ViewModifier {}

public enum AccessibilityAdjustmentDirection: Hashable, Sendable {
    case increment, decrement
}

public struct AccessibilityChildBehavior: Hashable, Sendable {
    public static let combine: AccessibilityChildBehavior = AccessibilityChildBehavior()
    public static let contain: AccessibilityChildBehavior = AccessibilityChildBehavior()
    public static let ignore: AccessibilityChildBehavior = AccessibilityChildBehavior()
}

public struct AccessibilityTraits: SetAlgebra, Sendable {
    public typealias ArrayLiteralElement = AccessibilityTraits
    public typealias Element = AccessibilityTraits

    public static let isButton: AccessibilityTraits = AccessibilityTraits()
    public static let isHeader: AccessibilityTraits = AccessibilityTraits()
    public static let isImage: AccessibilityTraits = AccessibilityTraits()

    public init() {}

    public func contains(_ member: Self) -> Bool { fatalError() }
    public func union(_ other: Self) -> Self { fatalError() }
    public func intersection(_ other: Self) -> Self { fatalError() }
    public func symmetricDifference(_ other: Self) -> Self { fatalError() }
    public mutating func insert(
        _ newMember: Self
    ) -> (inserted: Bool, memberAfterInsert: Self) { fatalError() }
    public mutating func remove(_ member: Self) -> Self? { fatalError() }
    public mutating func update(with newMember: Self) -> Self? { fatalError() }
    public mutating func formUnion(_ other: Self) {}
    public mutating func formIntersection(_ other: Self) {}
    public mutating func formSymmetricDifference(_ other: Self) {}
}

extension View {
    public typealias Accessible = ModifiedContent<Self, AccessibilityAttachmentModifier>

    nonisolated public func accessibilityAddTraits(
        _ traits: AccessibilityTraits
    ) -> Accessible { fatalError() }

    nonisolated public func accessibilityAdjustableAction(
        _ handler: @escaping (AccessibilityAdjustmentDirection) -> Void
    ) -> Accessible { fatalError() }

    nonisolated public func accessibilityElement(
        children: AccessibilityChildBehavior = .ignore
    ) -> some View { EmptyView() }

    nonisolated public func accessibilityHidden(_ hidden: Bool) -> Accessible { fatalError() }
    nonisolated public func accessibilityHint(_ hint: Text) -> Accessible { fatalError() }
    nonisolated public func accessibilityLabel(_ label: Text) -> Accessible { fatalError() }
    nonisolated public func accessibilityValue(_ value: Text) -> Accessible { fatalError() }
}
