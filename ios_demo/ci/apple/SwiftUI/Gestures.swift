// What fingers and keys do.

@MainActor @preconcurrency public protocol Gesture<Value> {
    associatedtype Value
    associatedtype Body: Gesture

    @MainActor @preconcurrency var body: Body { get }
}

extension Never: Gesture {
    public typealias Value = Never
}

extension Gesture {
    @MainActor @preconcurrency public func onEnded(
        _ action: @escaping (Value) -> Void
    ) -> _EndedGesture<Self> { fatalError() }

    @MainActor @preconcurrency public func updating<State>(
        _ state: GestureState<State>,
        body: @escaping (Value, inout State, inout Transaction) -> Void
    ) -> GestureStateGesture<Self, State> { fatalError() }
}

public struct _EndedGesture<Base: Gesture>: Gesture {
    public typealias Value = Base.Value

    public var body: Never { fatalError() }
}

public struct GestureStateGesture<Base: Gesture, State>: Gesture {
    public typealias Value = Base.Value

    public var body: Never { fatalError() }
}

public struct Transaction {
    public init() {}
}

public struct GestureMask: OptionSet, Sendable {
    public static let none: GestureMask = GestureMask([])
    public static let gesture: GestureMask = GestureMask(rawValue: 1)
    public static let subviews: GestureMask = GestureMask(rawValue: 2)
    public static let all: GestureMask = GestureMask(rawValue: 3)

    public let rawValue: UInt32

    public init(rawValue: UInt32) { self.rawValue = rawValue }
}

public struct MagnificationGesture: Gesture {
    public typealias Value = CGFloat

    nonisolated public init(minimumScaleDelta: CGFloat = 0.01) {}

    public var body: Never { fatalError() }
}

public enum CoordinateSpace: Hashable {
    case global, local
}

public struct DragGesture: Gesture {
    public struct Value: Equatable, Sendable {
        public var location: CGPoint
        public var startLocation: CGPoint
        public var translation: CGSize { fatalError() }
    }

    nonisolated public init(
        minimumDistance: CGFloat = 10, coordinateSpace: CoordinateSpace = .local
    ) {}

    public var body: Never { fatalError() }
}

public struct KeyEquivalent: ExpressibleByExtendedGraphemeClusterLiteral, Sendable {
    public init(_ character: Character) {}
    public init(extendedGraphemeClusterLiteral: Character) {}
}

public struct EventModifiers: OptionSet, Sendable {
    public static let command: EventModifiers = EventModifiers(rawValue: 1)
    public static let shift: EventModifiers = EventModifiers(rawValue: 2)

    public let rawValue: Int

    public init(rawValue: Int) { self.rawValue = rawValue }
}

extension View {
    nonisolated public func gesture<Added: Gesture>(
        _ gesture: Added, including mask: GestureMask = .all
    ) -> some View { EmptyView() }

    nonisolated public func simultaneousGesture<Added: Gesture>(
        _ gesture: Added, including mask: GestureMask = .all
    ) -> some View { EmptyView() }

    nonisolated public func keyboardShortcut(
        _ key: KeyEquivalent, modifiers: EventModifiers = .command
    ) -> some View { EmptyView() }
}
