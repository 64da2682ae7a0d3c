package org.mobileseg.core

import java.io.Closeable

/**
 * What the model said of one frame.
 *
 * @property probabilities (C, side, side) float32, row by row.
 * @property crop left, top, width, height in frame pixels.
 * @property retina share of the crop that is retina; 0: none found.
 */
class Answer(val probabilities: FloatArray, val crop: FloatArray, val retina: Float)

/** A loaded model. Not for two threads at a time, and not to be closed while it runs. */
interface ModelRunner : Closeable {
    fun run(frame: Frame): Answer
}
