// Shapes, colours and other styles.

public protocol ShapeStyle: Sendable {}

public protocol Shape: Sendable, View {}

public protocol InsettableShape: Shape {}

public struct FillStyle: Equatable, Sendable {
    nonisolated public init(eoFill: Bool = false, antialiased: Bool = true) {}
}

extension Shape {
    nonisolated public func fill<Style: ShapeStyle>(
        _ content: Style, style: FillStyle = FillStyle()
    ) -> some View { EmptyView() }
}

extension InsettableShape {
    nonisolated public func strokeBorder<Style: ShapeStyle>(
        _ content: Style, lineWidth: CGFloat = 1, antialiased: Bool = true
    ) -> some View { EmptyView() }
}

public struct Circle: InsettableShape, Primitive {
    nonisolated public init() {}
}

public struct Rectangle: InsettableShape, Primitive {
    nonisolated public init() {}
}

public enum RoundedCornerStyle: Sendable {
    case circular, continuous
}

public struct RoundedRectangle: InsettableShape, Primitive {
    nonisolated public init(cornerRadius: CGFloat, style: RoundedCornerStyle = .continuous) {}
    nonisolated public init(cornerSize: CGSize, style: RoundedCornerStyle = .continuous) {}
}

public struct Color: Hashable, Sendable {
    public enum RGBColorSpace: Sendable {
        case sRGB, sRGBLinear, displayP3
    }

    nonisolated public init(
        _ colorSpace: RGBColorSpace = .sRGB, red: Double, green: Double, blue: Double,
        opacity: Double = 1
    ) {}

    public static let clear: Color = Color(red: 0, green: 0, blue: 0)
    public static let orange: Color = Color(red: 0, green: 0, blue: 0)
    public static let primary: Color = Color(red: 0, green: 0, blue: 0)
    public static let red: Color = Color(red: 0, green: 0, blue: 0)
    public static let secondary: Color = Color(red: 0, green: 0, blue: 0)

    public func opacity(_ opacity: Double) -> Color { self }
}

extension Color: ShapeStyle {}

extension Color: View, Primitive {
    public typealias Body = Never
}

public struct HierarchicalShapeStyle: ShapeStyle {}

extension ShapeStyle where Self == HierarchicalShapeStyle {
    public static var primary: HierarchicalShapeStyle { fatalError() }
    public static var secondary: HierarchicalShapeStyle { fatalError() }
    public static var tertiary: HierarchicalShapeStyle { fatalError() }
    public static var quaternary: HierarchicalShapeStyle { fatalError() }
}

extension ShapeStyle where Self == Color {
    public static var clear: Color { fatalError() }
    public static var orange: Color { fatalError() }
    public static var red: Color { fatalError() }
}

@MainActor @preconcurrency public protocol PrimitiveButtonStyle {}

public struct BorderedButtonStyle: PrimitiveButtonStyle {}
public struct BorderedProminentButtonStyle: PrimitiveButtonStyle {}

extension PrimitiveButtonStyle where Self == BorderedButtonStyle {
    @MainActor @preconcurrency public static var bordered: BorderedButtonStyle { fatalError() }
}

extension PrimitiveButtonStyle where Self == BorderedProminentButtonStyle {
    @MainActor @preconcurrency
    public static var borderedProminent: BorderedProminentButtonStyle { fatalError() }
}

@MainActor @preconcurrency public protocol PickerStyle {}

public struct MenuPickerStyle: PickerStyle {}

extension PickerStyle where Self == MenuPickerStyle {
    @MainActor @preconcurrency public static var menu: MenuPickerStyle { fatalError() }
}
