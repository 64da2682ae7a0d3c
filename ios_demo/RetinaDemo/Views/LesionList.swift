import RetinaCore
import SwiftUI

/// A switch per lesion, with its colour, count and area.
struct LesionList: View {
    let lesions: [FoundLesion]
    @Binding var hidden: String

    var body: some View {
        VStack(alignment: .leading, spacing: 12) {
            Text(Texts.text(.lesions))
                .font(.headline)
                .accessibilityAddTraits(.isHeader)
            ForEach(lesions) { (found: FoundLesion) in
                LesionRow(found: found, isShown: $hidden[isShowing: found.lesion.code])
            }
        }
    }
}

extension String {
    /// In a text of the lesions that are off: whether one is on, as a switch binds to it.
    fileprivate subscript(isShowing code: String) -> Bool {
        get { !HiddenLesions.codes(in: self).contains(code) }
        set {
            var codes: Set<String> = HiddenLesions.codes(in: self)
            if newValue {
                codes.remove(code)
            } else {
                codes.insert(code)
            }
            self = HiddenLesions.text(of: codes)
        }
    }
}

private struct LesionRow: View {
    let found: FoundLesion
    @Binding var isShown: Bool
    @ScaledMetric private var chip: CGFloat = 18  // grows with the type

    var body: some View {
        Toggle(isOn: $isShown) {
            HStack(spacing: 12) {
                Circle()
                    .fill(Color(found.lesion.colour))
                    .overlay(Circle().strokeBorder(.secondary))
                    .frame(width: chip, height: chip)
                VStack(alignment: .leading, spacing: 2) {
                    Text(Texts.name(of: found.lesion))
                    figures
                        .font(.footnote)
                        .foregroundStyle(.secondary)
                }
            }
        }
        .accessibilityLabel(
            Text(Texts.text(.showLesion, Texts.name(of: found.lesion))))
        .accessibilityHint(Text(Texts.sentence(found)))
    }

    private var figures: some View {
        VStack(alignment: .leading, spacing: 2) {
            Text(verbatim: "\(Texts.text(.count)): \(Texts.whole(found.finding.count))")
            Text(verbatim: "\(Texts.text(.area)): \(Texts.area(of: found.finding))")
        }
    }
}

extension Color {
    init(_ colour: Colour) {
        let most: Double = 255
        self.init(
            .sRGB, red: Double(colour.red) / most, green: Double(colour.green) / most,
            blue: Double(colour.blue) / most, opacity: 1)
    }
}
