import RetinaCore

/// A lesion that the model looks for, and what it found of it.
struct FoundLesion: Identifiable, Sendable {
    let lesion: Lesion
    let mask: Mask
    let finding: Finding

    var id: String { lesion.code }
}

/// One photo and everything that is shown of it.
struct Analysis: Sendable {
    let photo: Photo
    let crop: Crop
    let quality: PictureQuality?  // nil: the model says nothing of it
    let flags: [Flag]
    let lesions: [FoundLesion]
    let milliseconds: Double

    init(photo: Photo, answer: Answer, manifest: Manifest) {
        let side: Int = manifest.side
        let pixels: Int = side * side
        var found: [FoundLesion] = []
        for (channel, lesion) in manifest.lesions.enumerated() {
            let start: Int = channel * pixels
            let slice: ArraySlice<Float> = answer.probabilities[start..<start + pixels]
            let mask: Mask = Mask(side: side, pixels: thresholded(slice, at: lesion.threshold))
            let finding: Finding = Finding(mask: mask, retina: answer.retina)
            found.append(FoundLesion(lesion: lesion, mask: mask, finding: finding))
        }
        self.photo = photo
        crop = answer.crop
        let raised: [Flag] = RetinaCore.flags(
            retina: answer.retina, crop: answer.crop, side: side)
        quality = Analysis.quality(answer, manifest: manifest, raised: raised)
        flags = quality?.flags ?? raised
        lesions = found
        milliseconds = answer.milliseconds
    }

    private static func quality(
        _ answer: Answer, manifest: Manifest, raised: [Flag]
    ) -> PictureQuality? {
        guard let spec: QualitySpec = manifest.quality, let numbers: [Float] = answer.quality else {
            return nil
        }
        return PictureQuality(
            numbers, lesions: manifest.lesions.count, spec: spec, raised: raised)
    }

    /// Whether its figures may be shown without more ado.
    var isUsable: Bool {
        quality?.isUsable ?? !flags.contains { (flag: Flag) -> Bool in flag.isFatal }
    }

    /// What is said of the picture before any figure.
    var said: [Flag] { RetinaCore.said(of: flags, isUsable: isUsable) }

    /// The photo with the lesions that are not hidden.
    func picture(hiding hidden: Set<String>, opacity: Int) -> Picture {
        var layers: [Layer] = []
        for found in lesions where !hidden.contains(found.lesion.code) {
            layers.append(Layer(mask: found.mask, colour: found.lesion.colour))
        }
        return drawOverlay(
            frame: photo.frame, content: photo.content, crop: crop, layers: layers,
            opacity: opacity)
    }
}
