package org.mobileseg.core

import java.io.Closeable

/**
 * What the model said of one frame.
 *
 * @property probabilities (C, side, side) float32, row by row.
 * @property crop left, top, width, height in frame pixels.
 * @property retina share of the crop that is retina; 0: none found.
 * @property quality each lesion's, then the values of the manifest's [QualitySpec]; null: it has none.
 */
class Answer(
    val probabilities: FloatArray,
    val crop: FloatArray,
    val retina: Float,
    val quality: FloatArray? = null,
)

/** A loaded model. Not for two threads at a time, and not to be closed while it runs. */
interface ModelRunner : Closeable {
    fun run(frame: Frame): Answer
}
