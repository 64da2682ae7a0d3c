/// Height and width of a photo once it fits the frame; never enlarged, never under 1 pixel.
///
/// The longer side (relative to the frame) fits exactly; the other is rounded half up.
public func fittedSize(of photo: PixelSize, into frame: PixelSize) -> PixelSize {
    if photo.height <= frame.height && photo.width <= frame.width {
        return photo
    }
    if photo.height * frame.width > photo.width * frame.height {
        let width: Int = (2 * photo.width * frame.height + photo.height) / (2 * photo.height)
        return PixelSize(height: frame.height, width: max(1, width))
    }
    let height: Int = (2 * photo.height * frame.width + photo.width) / (2 * photo.width)
    return PixelSize(height: max(1, height), width: frame.width)
}
