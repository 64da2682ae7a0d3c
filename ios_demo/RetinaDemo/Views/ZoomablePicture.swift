import SwiftUI

/// A picture to pinch, drag and, with buttons or a keyboard, to zoom.
struct ZoomablePicture: View {
    private static let scales: ClosedRange<CGFloat> = 1...12
    private static let step: CGFloat = 1.5

    let image: CGImage
    let description: String  // what it shows, for VoiceOver

    @State private var scale: CGFloat = 1
    @State private var offset: CGSize = .zero
    @State private var size: CGSize = .zero
    @GestureState private var pinch: CGFloat = 1
    @GestureState private var drag: CGSize = .zero

    var body: some View {
        VStack(alignment: .trailing, spacing: 8) {
            picture
            buttons
        }
    }

    private var picture: some View {
        Image(image, scale: 1, label: Text(Texts.text(.picture)))
            .resizable()
            .aspectRatio(contentMode: .fit)
            .background(sizeReader)
            .scaleEffect(shownScale)
            .offset(shownOffset)
            .frame(maxWidth: .infinity)
            .clipShape(RoundedRectangle(cornerRadius: 12))
            .contentShape(Rectangle())
            // A drag moves the picture only once it is larger; before, it scrolls the page.
            .gesture(panning, including: scale > 1 ? .all : .subviews)
            .simultaneousGesture(pinching)
            .accessibilityValue(Text(description))
            .accessibilityAdjustableAction { (direction: AccessibilityAdjustmentDirection) in
                switch direction {
                case .increment: zoom(to: scale * ZoomablePicture.step)
                case .decrement: zoom(to: scale / ZoomablePicture.step)
                @unknown default: break
                }
            }
    }

    private var buttons: some View {
        HStack(spacing: 16) {
            button(.zoomOut, symbol: "minus.magnifyingglass", key: "-") {
                zoom(to: scale / ZoomablePicture.step)
            }
            button(.zoomFit, symbol: "arrow.up.left.and.arrow.down.right", key: "0") {
                zoom(to: 1)
            }
            button(.zoomIn, symbol: "plus.magnifyingglass", key: "+") {
                zoom(to: scale * ZoomablePicture.step)
            }
        }
    }

    private func button(
        _ text: TextKey, symbol: String, key: KeyEquivalent, action: @escaping () -> Void
    ) -> some View {
        Button(action: action) {
            Image(systemName: symbol)
                .padding(8)
        }
        .accessibilityLabel(Text(Texts.text(text)))
        .keyboardShortcut(key, modifiers: [])
    }

    private var sizeReader: some View {
        GeometryReader { (proxy: GeometryProxy) in
            Color.clear
                .onAppear { size = proxy.size }
                .onChange(of: proxy.size) { newSize in size = newSize }
        }
    }

    private var shownScale: CGFloat { clamped(scale * pinch) }

    private var shownOffset: CGSize {
        let moved: CGSize = CGSize(
            width: offset.width + drag.width, height: offset.height + drag.height)
        return clamped(moved, at: shownScale)
    }

    private var pinching: some Gesture {
        MagnificationGesture()
            .updating($pinch) {
                (value: CGFloat, state: inout CGFloat, transaction: inout Transaction) in
                state = value
            }
            .onEnded { (value: CGFloat) in
                zoom(to: scale * value)
            }
    }

    private var panning: some Gesture {
        DragGesture()
            .updating($drag) {
                (value: DragGesture.Value, state: inout CGSize, transaction: inout Transaction)
                in
                state = value.translation
            }
            .onEnded { (value: DragGesture.Value) in
                let moved: CGSize = CGSize(
                    width: offset.width + value.translation.width,
                    height: offset.height + value.translation.height)
                offset = clamped(moved, at: scale)
            }
    }

    private func zoom(to wanted: CGFloat) {
        scale = clamped(wanted)
        offset = clamped(offset, at: scale)
    }

    private func clamped(_ wanted: CGFloat) -> CGFloat {
        min(max(wanted, ZoomablePicture.scales.lowerBound), ZoomablePicture.scales.upperBound)
    }

    /// The picture always fills its place.
    private func clamped(_ moved: CGSize, at scale: CGFloat) -> CGSize {
        let across: CGFloat = size.width * (scale - 1) / 2
        let down: CGFloat = size.height * (scale - 1) / 2
        return CGSize(
            width: min(max(moved.width, -across), across),
            height: min(max(moved.height, -down), down))
    }
}
