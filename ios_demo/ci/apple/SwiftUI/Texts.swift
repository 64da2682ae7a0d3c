// Texts, pictures, and what takes either as its title.

public struct LocalizedStringKey: Equatable, ExpressibleByStringInterpolation {
    public init(_ value: String) {}
    public init(stringLiteral value: String) {}
}

public struct Text: Equatable, Sendable {
    nonisolated public init(verbatim content: String) {}
    @_disfavoredOverload
    nonisolated public init<Content: StringProtocol>(_ content: Content) {}
    nonisolated public init(
        _ key: LocalizedStringKey, tableName: String? = nil, bundle: Bundle? = nil,
        comment: StaticString? = nil
    ) {}
}

extension Text {
    nonisolated public func font(_ font: Font?) -> Text { self }
    nonisolated public func fontWeight(_ weight: Font.Weight?) -> Text { self }
}

extension Text: View, Primitive {
    public typealias Body = Never
}

public struct Font: Hashable, Sendable {
    public enum TextStyle: CaseIterable, Sendable {
        case largeTitle, title, headline, subheadline, body, callout, footnote, caption
    }

    public struct Weight: Hashable, Sendable {
        public static let regular: Weight = Weight()
        public static let semibold: Weight = Weight()
        public static let bold: Weight = Weight()
    }

    public static let largeTitle: Font = Font()
    public static let headline: Font = Font()
    public static let body: Font = Font()
    public static let footnote: Font = Font()
    public static let caption: Font = Font()
}

public struct Image: Equatable, Sendable {
    public enum Orientation: UInt8, CaseIterable, Hashable, Sendable {
        case up, upMirrored, down, downMirrored, left, leftMirrored, right, rightMirrored
    }

    public enum ResizingMode: Sendable {
        case tile, stretch
    }

    nonisolated public init(systemName: String) {}
    nonisolated public init(_ name: String, bundle: Bundle? = nil) {}
    nonisolated public init(
        _ cgImage: CGImage, scale: CGFloat, orientation: Orientation = .up, label: Text
    ) {}

    nonisolated public func resizable(
        capInsets: EdgeInsets = EdgeInsets(), resizingMode: ResizingMode = .stretch
    ) -> Image { self }
}

extension Image: View, Primitive {
    public typealias Body = Never
}

public struct Label<Title: View, Icon: View>: Primitive {
    nonisolated public init(
        @ViewBuilder title: () -> Title, @ViewBuilder icon: () -> Icon
    ) {}
}

extension Label where Title == Text, Icon == Image {
    nonisolated public init(_ titleKey: LocalizedStringKey, systemImage name: String) {}
    @_disfavoredOverload
    nonisolated public init<Title: StringProtocol>(_ title: Title, systemImage name: String) {}
}

public struct ProgressView<Label: View, CurrentValueLabel: View>: Primitive {}

extension ProgressView where CurrentValueLabel == EmptyView {
    nonisolated public init() where Label == EmptyView {}
    nonisolated public init(_ titleKey: LocalizedStringKey) where Label == Text {}
    @_disfavoredOverload
    nonisolated public init<Title: StringProtocol>(_ title: Title) where Label == Text {}
    nonisolated public init<Value: BinaryFloatingPoint>(
        value: Value?, total: Value = 1.0, @ViewBuilder label: () -> Label
    ) {}
}

public struct Button<Label: View>: Primitive {
    #if XCODE_15
    public init(action: @escaping () -> Void, @ViewBuilder label: () -> Label) {}
    #else
    @preconcurrency nonisolated public init(
        action: @escaping @MainActor () -> Void, @ViewBuilder label: () -> Label
    ) {}
    #endif
}

extension Button where Label == Text {
    #if XCODE_15
    public init(_ titleKey: LocalizedStringKey, action: @escaping () -> Void) {}
    @_disfavoredOverload
    public init<Title: StringProtocol>(_ title: Title, action: @escaping () -> Void) {}
    #else
    @preconcurrency nonisolated public init(
        _ titleKey: LocalizedStringKey, action: @escaping @MainActor () -> Void
    ) {}
    @_disfavoredOverload
    @preconcurrency nonisolated public init<Title: StringProtocol>(
        _ title: Title, action: @escaping @MainActor () -> Void
    ) {}
    #endif
}

public struct Toggle<Label: View>: Primitive {
    nonisolated public init(isOn: Binding<Bool>, @ViewBuilder label: () -> Label) {}
}

extension Toggle where Label == Text {
    nonisolated public init(_ titleKey: LocalizedStringKey, isOn: Binding<Bool>) {}
    @_disfavoredOverload
    nonisolated public init<Title: StringProtocol>(_ title: Title, isOn: Binding<Bool>) {}
}

public struct Picker<Label: View, SelectionValue: Hashable, Content: View>: Primitive {}

extension Picker where Label == Text {
    nonisolated public init(
        _ titleKey: LocalizedStringKey, selection: Binding<SelectionValue>,
        @ViewBuilder content: () -> Content
    ) {}
    @_disfavoredOverload
    nonisolated public init<Title: StringProtocol>(
        _ title: Title, selection: Binding<SelectionValue>, @ViewBuilder content: () -> Content
    ) {}
}

public struct Slider<Label: View, ValueLabel: View>: Primitive {}

extension Slider where Label == EmptyView, ValueLabel == EmptyView {
    nonisolated public init<Value: BinaryFloatingPoint>(
        value: Binding<Value>, in bounds: ClosedRange<Value>, step: Value.Stride = 1,
        onEditingChanged: @escaping (Bool) -> Void = { _ in }
    ) where Value.Stride: BinaryFloatingPoint {}
}

public struct ShareLink<
    Items: RandomAccessCollection, PreviewImage: Transferable, PreviewIcon: Transferable,
    Label: View
>: Primitive where Items.Element: Transferable {}

extension ShareLink where PreviewImage == Never, PreviewIcon == Never {
    nonisolated public init(
        item: URL, subject: Text? = nil, message: Text? = nil, @ViewBuilder label: () -> Label
    ) where Items == CollectionOfOne<URL> {}
}
