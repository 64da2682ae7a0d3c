import RetinaCore
import SwiftUI

struct OpacitySlider: View {
    @Binding var opacity: Double  // 0...255

    var body: some View {
        VStack(alignment: .leading, spacing: 4) {
            HStack {
                Text(Texts.text(.opacity))
                Spacer()
                Text(value)
                    .foregroundStyle(.secondary)
            }
            .accessibilityHidden(true)  // the slider says both
            Slider(value: $opacity, in: 0...255, step: 1)
                .accessibilityLabel(Text(Texts.text(.opacity)))
                .accessibilityValue(Text(value))
        }
    }

    private var value: String {
        Texts.text(.opacityValue, Texts.whole(Int((opacity / 255 * 100).rounded())))
    }
}
