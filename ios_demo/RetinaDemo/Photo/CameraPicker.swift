import AVFoundation
import SwiftUI
import UIKit

/// The system's camera screen.
struct CameraPicker: UIViewControllerRepresentable {
    /// A person may have refused the app the camera; then its screen would stay black.
    @MainActor static var isUsable: Bool {
        let status: AVAuthorizationStatus = AVCaptureDevice.authorizationStatus(for: .video)
        return UIImagePickerController.isSourceTypeAvailable(.camera)
            && status != .denied && status != .restricted
    }

    let taken: (Data?) -> Void  // nil: cancelled

    func makeCoordinator() -> Coordinator {
        Coordinator(taken: taken)
    }

    func makeUIViewController(context: Context) -> UIImagePickerController {
        let picker: UIImagePickerController = UIImagePickerController()
        picker.sourceType = .camera
        picker.delegate = context.coordinator
        return picker
    }

    func updateUIViewController(_ picker: UIImagePickerController, context: Context) {}

    final class Coordinator: NSObject, UIImagePickerControllerDelegate,
        UINavigationControllerDelegate
    {
        private let taken: (Data?) -> Void

        init(taken: @escaping (Data?) -> Void) {
            self.taken = taken
        }

        /// The camera hands out no file. As a JPEG with its orientation inside, the photo goes the
        /// one way that every other goes, and can be kept; at the least loss that JPEG has.
        func imagePickerController(
            _ picker: UIImagePickerController,
            didFinishPickingMediaWithInfo info: [UIImagePickerController.InfoKey: Any]
        ) {
            let image: UIImage? = info[.originalImage] as? UIImage
            taken(image?.jpegData(compressionQuality: 1))
        }

        func imagePickerControllerDidCancel(_ picker: UIImagePickerController) {
            taken(nil)
        }
    }
}
