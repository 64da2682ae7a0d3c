package org.mobileseg.core

/** A picture's pixels in the order in which they are stored, some at a time. */
interface Photo {
    val stored: Size
    val orientation: Orientation

    /** Hands every pixel to [taker], row by row: an array and how many of it count. */
    fun read(taker: (IntArray, Int) -> Unit)
}

/** The photo as the model takes it. */
fun frameOf(photo: Photo, frame: Size): Frame {
    val builder = FrameBuilder(photo.stored, photo.orientation, frame)
    photo.read(builder::take)
    return builder.finish()
}

/** What one photo showed, ready to be drawn with any choice of lesions. */
class Prediction(val frame: Frame, val answer: Answer, manifest: Manifest) {
    val lesions: List<Lesion> = manifest.lesions
    val crop: Crop = Crop.of(answer.crop)
    val masks: List<Mask>
    val findings: List<Finding>

    /** Null: the model says nothing of it. */
    val quality: PictureQuality?

    val usable: Boolean get() = quality?.usable ?: flags.none { it.fatal }
    val flags: List<Flag>

    /** What is said before any figure. */
    val said: List<Flag> get() = saidOf(flags, usable)

    init {
        val expected = lesions.size * manifest.side * manifest.side
        require(answer.probabilities.size == expected) {
            "${answer.probabilities.size} probabilities: expected $expected"
        }
        masks = lesions.mapIndexed { c, lesion ->
            maskOf(answer.probabilities, c, manifest.side, lesion.threshold)
        }
        findings = masks.map { findingOf(it, answer.retina) }
        val raised = flagsOf(crop, answer.retina, manifest.side)
        quality = manifest.quality?.let { spec ->
            val numbers = requireNotNull(answer.quality) { "no quality: expected it" }
            judgeQuality(numbers, lesions.size, spec, raised)
        }
        flags = quality?.flags ?: raised
    }

    /** @param shown lesions to draw, by their code. */
    fun overlay(shown: Set<String>, opacity: Int): Picture {
        val layers = lesions.zip(masks)
            .filter { (lesion, _) -> lesion.code in shown }
            .map { (lesion, mask) -> Layer(mask, lesion.colour) }
        return overlay(frame, crop, layers, opacity)
    }
}
