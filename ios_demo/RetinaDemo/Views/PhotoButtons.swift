import PhotosUI
import SwiftUI

/// The two ways in.
struct PhotoButtons: View {
    @Binding var picked: PhotosPickerItem?
    let isEnabled: Bool
    let takePhoto: () -> Void

    var body: some View {
        ViewThatFits(in: .horizontal) {
            HStack(spacing: 12) { buttons }
            VStack(spacing: 12) { buttons }  // large type
        }
        .disabled(!isEnabled)
    }

    @ViewBuilder private var buttons: some View {
        // The file as it is: any other encoding would change pixels.
        PhotosPicker(
            selection: $picked, matching: .images, preferredItemEncoding: .current
        ) {
            Label(Texts.text(.pickPhoto), systemImage: "photo")
                .frame(maxWidth: .infinity)
        }
        .buttonStyle(.borderedProminent)
        Button(action: takePhoto) {
            Label(Texts.text(.takePhoto), systemImage: "camera")
                .frame(maxWidth: .infinity)
        }
        .buttonStyle(.bordered)
    }
}
