// What is said of a view.

public enum NavigationBarItem {
    public enum TitleDisplayMode: Sendable {
        case automatic, inline, large
    }
}

extension View {
    // MARK: size and place

    nonisolated public func aspectRatio(
        _ aspectRatio: CGFloat? = nil, contentMode: ContentMode
    ) -> some View { EmptyView() }

    nonisolated public func frame(
        width: CGFloat? = nil, height: CGFloat? = nil, alignment: Alignment = .center
    ) -> some View { EmptyView() }

    nonisolated public func frame(
        minWidth: CGFloat? = nil, idealWidth: CGFloat? = nil, maxWidth: CGFloat? = nil,
        minHeight: CGFloat? = nil, idealHeight: CGFloat? = nil, maxHeight: CGFloat? = nil,
        alignment: Alignment = .center
    ) -> some View { EmptyView() }

    nonisolated public func ignoresSafeArea(
        _ regions: SafeAreaRegions = .all, edges: Edge.Set = .all
    ) -> some View { EmptyView() }

    nonisolated public func offset(_ offset: CGSize) -> some View { EmptyView() }
    nonisolated public func offset(x: CGFloat = 0, y: CGFloat = 0) -> some View { EmptyView() }

    nonisolated public func padding(
        _ edges: Edge.Set = .all, _ length: CGFloat? = nil
    ) -> some View { EmptyView() }
    nonisolated public func padding(_ insets: EdgeInsets) -> some View { EmptyView() }
    nonisolated public func padding(_ length: CGFloat) -> some View { EmptyView() }

    nonisolated public func scaleEffect(
        _ scale: CGFloat, anchor: UnitPoint = .center
    ) -> some View { EmptyView() }
    nonisolated public func scaleEffect(
        _ scale: CGSize, anchor: UnitPoint = .center
    ) -> some View { EmptyView() }

    // MARK: looks

    nonisolated public func background<Background: View>(
        _ background: Background, alignment: Alignment = .center
    ) -> some View { EmptyView() }

    nonisolated public func background<Style: ShapeStyle>(
        _ style: Style, ignoresSafeAreaEdges edges: Edge.Set = .all
    ) -> some View { EmptyView() }

    nonisolated public func background<Style: ShapeStyle, Outline: InsettableShape>(
        _ style: Style, in shape: Outline, fillStyle: FillStyle = FillStyle()
    ) -> some View { EmptyView() }

    nonisolated public func background<Style: ShapeStyle, Outline: Shape>(
        _ style: Style, in shape: Outline, fillStyle: FillStyle = FillStyle()
    ) -> some View { EmptyView() }

    nonisolated public func buttonStyle<Style: PrimitiveButtonStyle>(
        _ style: Style
    ) -> some View { EmptyView() }

    nonisolated public func clipShape<Outline: Shape>(
        _ shape: Outline, style: FillStyle = FillStyle()
    ) -> some View { EmptyView() }

    nonisolated public func contentShape<Outline: Shape>(
        _ shape: Outline, eoFill: Bool = false
    ) -> some View { EmptyView() }

    nonisolated public func font(_ font: Font?) -> some View { EmptyView() }

    nonisolated public func foregroundStyle<Style: ShapeStyle>(
        _ style: Style
    ) -> some View { EmptyView() }

    nonisolated public func multilineTextAlignment(
        _ alignment: TextAlignment
    ) -> some View { EmptyView() }

    nonisolated public func overlay<Overlay: View>(
        _ overlay: Overlay, alignment: Alignment = .center
    ) -> some View { EmptyView() }

    nonisolated public func overlay<Style: ShapeStyle>(
        _ style: Style, ignoresSafeAreaEdges edges: Edge.Set = .all
    ) -> some View { EmptyView() }

    nonisolated public func pickerStyle<Style: PickerStyle>(
        _ style: Style
    ) -> some View { EmptyView() }

    // MARK: what it does

    nonisolated public func disabled(_ disabled: Bool) -> some View { EmptyView() }

    nonisolated public func onAppear(
        perform action: (() -> Void)? = nil
    ) -> some View { EmptyView() }

    nonisolated public func onChange<Value: Equatable>(
        of value: Value, perform action: @escaping (Value) -> Void
    ) -> some View { EmptyView() }

    nonisolated public func onDisappear(
        perform action: (() -> Void)? = nil
    ) -> some View { EmptyView() }

    nonisolated public func tag<Value: Hashable>(_ tag: Value) -> some View { EmptyView() }

    nonisolated public func task(
        priority: TaskPriority = .userInitiated,
        @_inheritActorContext _ action: @escaping @Sendable () async -> Void
    ) -> some View { EmptyView() }

    // MARK: other screens

    nonisolated public func fullScreenCover<Content: View>(
        isPresented: Binding<Bool>, onDismiss: (() -> Void)? = nil,
        @ViewBuilder content: @escaping () -> Content
    ) -> some View { EmptyView() }

    nonisolated public func navigationBarTitleDisplayMode(
        _ displayMode: NavigationBarItem.TitleDisplayMode
    ) -> some View { EmptyView() }

    nonisolated public func navigationTitle(_ title: Text) -> some View { EmptyView() }
    nonisolated public func navigationTitle(
        _ titleKey: LocalizedStringKey
    ) -> some View { EmptyView() }
    @_disfavoredOverload
    nonisolated public func navigationTitle<Title: StringProtocol>(
        _ title: Title
    ) -> some View { EmptyView() }

    nonisolated public func sheet<Content: View>(
        isPresented: Binding<Bool>, onDismiss: (() -> Void)? = nil,
        @ViewBuilder content: @escaping () -> Content
    ) -> some View { EmptyView() }

    nonisolated public func toolbar<Content: View>(
        @ViewBuilder content: () -> Content
    ) -> some View { EmptyView() }

    nonisolated public func toolbar<Content: ToolbarContent>(
        @ToolbarContentBuilder content: () -> Content
    ) -> some View { EmptyView() }
}
