package org.mobileseg.core

/** One lesion's mask at the network's resolution: side * side pixels, row by row. */
class Mask(val side: Int, val pixels: BooleanArray) {
    /** Pixels that are lesion. */
    val count: Int get() = pixels.count { it }
}

/** One channel of the [probabilities] (C, side, side), at and above its threshold. */
fun maskOf(probabilities: FloatArray, channel: Int, side: Int, threshold: Double): Mask {
    val pixels = side * side
    return Mask(side, atLeast(threshold, probabilities, channel * pixels, pixels))
}

/**
 * Compared in float32, as in every language that draws the mask; from here on there are only whole
 * numbers.
 */
internal fun atLeast(threshold: Double, values: FloatArray, from: Int, count: Int): BooleanArray {
    val limit = threshold.toFloat()
    return BooleanArray(count) { values[from + it] >= limit }
}
