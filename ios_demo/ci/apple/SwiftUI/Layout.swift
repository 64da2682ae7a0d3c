// Where things go.

public struct HorizontalAlignment: Equatable, Sendable {
    public static let leading: HorizontalAlignment = HorizontalAlignment()
    public static let center: HorizontalAlignment = HorizontalAlignment()
    public static let trailing: HorizontalAlignment = HorizontalAlignment()
}

public struct VerticalAlignment: Equatable, Sendable {
    public static let top: VerticalAlignment = VerticalAlignment()
    public static let center: VerticalAlignment = VerticalAlignment()
    public static let bottom: VerticalAlignment = VerticalAlignment()
}

public struct Alignment: Equatable, Sendable {
    public static let center: Alignment = Alignment()
    public static let leading: Alignment = Alignment()
    public static let trailing: Alignment = Alignment()
    public static let top: Alignment = Alignment()
    public static let bottom: Alignment = Alignment()
}

public enum TextAlignment: CaseIterable, Hashable, Sendable {
    case leading, center, trailing
}

public enum ContentMode: CaseIterable, Hashable, Sendable {
    case fit, fill
}

public enum Axis: Int8, CaseIterable, Sendable {
    case horizontal, vertical

    public struct Set: OptionSet, Sendable {
        public static let horizontal: Set = Set(rawValue: 1)
        public static let vertical: Set = Set(rawValue: 2)

        public let rawValue: Int8

        public init(rawValue: Int8) { self.rawValue = rawValue }
    }
}

public enum Edge: Int8, CaseIterable, Sendable {
    case top, leading, bottom, trailing

    public struct Set: OptionSet, Sendable {
        public static let top: Set = Set(rawValue: 1)
        public static let leading: Set = Set(rawValue: 2)
        public static let bottom: Set = Set(rawValue: 4)
        public static let trailing: Set = Set(rawValue: 8)
        public static let all: Set = Set(rawValue: 15)
        public static let horizontal: Set = Set(rawValue: 10)
        public static let vertical: Set = Set(rawValue: 5)

        public let rawValue: Int8

        public init(rawValue: Int8) { self.rawValue = rawValue }
    }
}

public struct EdgeInsets: Equatable, Sendable {
    public init() {}
    public init(top: CGFloat, leading: CGFloat, bottom: CGFloat, trailing: CGFloat) {}
}

public struct SafeAreaRegions: OptionSet, Sendable {
    public static let all: SafeAreaRegions = SafeAreaRegions(rawValue: .max)
    public static let container: SafeAreaRegions = SafeAreaRegions(rawValue: 1)
    public static let keyboard: SafeAreaRegions = SafeAreaRegions(rawValue: 2)

    public let rawValue: UInt

    public init(rawValue: UInt) { self.rawValue = rawValue }
}

public struct UnitPoint: Hashable, Sendable {
    public static let center: UnitPoint = UnitPoint()
}

public struct HStack<Content: View>: Primitive {
    nonisolated public init(
        alignment: VerticalAlignment = .center, spacing: CGFloat? = nil,
        @ViewBuilder content: () -> Content
    ) {}
}

public struct VStack<Content: View>: Primitive {
    nonisolated public init(
        alignment: HorizontalAlignment = .center, spacing: CGFloat? = nil,
        @ViewBuilder content: () -> Content
    ) {}
}

public struct Spacer: Primitive {
    nonisolated public init(minLength: CGFloat? = nil) {}
}

public struct ScrollView<Content: View>: Primitive {
    nonisolated public init(
        _ axes: Axis.Set = .vertical, showsIndicators: Bool = true,
        @ViewBuilder content: () -> Content
    ) {}
}

public struct ViewThatFits<Content: View>: Primitive {
    nonisolated public init(
        in axes: Axis.Set = [.horizontal, .vertical], @ViewBuilder content: () -> Content
    ) {}
}

public struct GeometryProxy {
    public var size: CGSize { fatalError() }
}

public struct GeometryReader<Content: View>: Primitive {
    nonisolated public init(@ViewBuilder content: @escaping (GeometryProxy) -> Content) {}
}

public struct NavigationPath {}

@MainActor @preconcurrency
public struct NavigationStack<Path, Root: View>: Primitive {
    nonisolated public init(@ViewBuilder root: () -> Root) where Path == NavigationPath {}
}

public struct Form<Content: View>: Primitive {
    nonisolated public init(@ViewBuilder content: () -> Content) {}
}

public struct Section<Parent, Content, Footer> {}

extension Section: View, Primitive where Parent: View, Content: View, Footer: View {
    public typealias Body = Never

    nonisolated public init(
        @ViewBuilder content: () -> Content, @ViewBuilder header: () -> Parent,
        @ViewBuilder footer: () -> Footer
    ) {}
}

extension Section where Parent == EmptyView, Content: View, Footer: View {
    nonisolated public init(
        @ViewBuilder content: () -> Content, @ViewBuilder footer: () -> Footer
    ) {}
}

extension Section where Parent == EmptyView, Content: View, Footer == EmptyView {
    nonisolated public init(@ViewBuilder content: () -> Content) {}
}

public struct ForEach<Items: RandomAccessCollection, ID: Hashable, Content> {}

extension ForEach: View, Primitive where Content: View {
    public typealias Body = Never

    nonisolated public init(
        _ data: Items, id: KeyPath<Items.Element, ID>,
        @ViewBuilder content: @escaping (Items.Element) -> Content
    ) {}
}

extension ForEach where Content: View, Items.Element: Identifiable, ID == Items.Element.ID {
    nonisolated public init(
        _ data: Items, @ViewBuilder content: @escaping (Items.Element) -> Content
    ) {}
}
