import RetinaCore
import SwiftUI

/// The photo with its lesions, or what to do to see one.
struct PicturePanel: View {
    @ObservedObject var app: AppModel

    var body: some View {
        if let picture: CGImage = app.picture, let analysis: Analysis = app.analysis {
            ZoomablePicture(image: picture, description: description(of: analysis))
        } else if app.modelState == .ready {
            VStack(spacing: 12) {
                Image(systemName: "eye")
                    .font(.largeTitle)
                    .accessibilityHidden(true)
                Text(Texts.text(.invitation))
                    .multilineTextAlignment(.center)
            }
            .foregroundStyle(.secondary)
            .padding(32)
            .frame(maxWidth: .infinity)
            .background(.quaternary, in: RoundedRectangle(cornerRadius: 12))
        }
    }

    private func description(of analysis: Analysis) -> String {
        let parts: [String] =
            analysis.said.map(Texts.spoken) + Texts.figures(of: analysis, isTold: app.isTold)
        return parts.joined(separator: ". ")
    }
}
