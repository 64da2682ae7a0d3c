import RetinaCore

/// A photo as the model takes it.
struct Photo: Sendable {
    let frame: Picture
    let content: PixelSize  // of the upright photo in the frame's top left corner
}
