import RetinaCore
import SwiftUI

/// What a person must know before looking at the picture.
struct MessageList: View {
    @ObservedObject var app: AppModel
    let retry: () -> Void

    var body: some View {
        VStack(alignment: .leading, spacing: 12) {
            switch app.modelState {
            case .loading:
                ProgressView(Texts.text(.loadingModel))
            case .failed(let message):
                Message(text: message, symbol: "exclamationmark.octagon.fill", tint: .red)
                Button(Texts.text(.retry), action: retry)
            case .ready:
                EmptyView()
            }
            if let problem: String = app.problem {
                Message(text: problem, symbol: "exclamationmark.octagon.fill", tint: .red)
            }
            if app.isWorking {
                ProgressView(Texts.text(.working))
            }
            ForEach(app.analysis?.said ?? [], id: \.self) { (flag: Flag) in
                Message(
                    text: Texts.sentence(flag), symbol: "exclamationmark.triangle.fill",
                    tint: .orange)
            }
        }
    }
}

/// A symbol beside the text, so that colour is not the only sign.
private struct Message: View {
    let text: String
    let symbol: String
    let tint: Color

    var body: some View {
        Label {
            Text(text)
        } icon: {
            Image(systemName: symbol)
                .foregroundStyle(tint)
                .accessibilityHidden(true)
        }
        .padding()
        .frame(maxWidth: .infinity, alignment: .leading)
        .background(tint.opacity(0.12), in: RoundedRectangle(cornerRadius: 12))
        .accessibilityElement(children: .combine)
    }
}
