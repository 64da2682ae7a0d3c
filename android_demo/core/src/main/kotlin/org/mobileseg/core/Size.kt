package org.mobileseg.core

/** Height and width in pixels; height first, as in every array of a picture. */
data class Size(val height: Int, val width: Int) {
    init {
        require(height > 0 && width > 0) { "$height x $width pixels: expected at least 1 each way" }
    }

    val area: Long get() = height.toLong() * width

    /** The same with the axes exchanged. */
    fun transposed() = Size(width, height)

    /**
     * This size once it fits [frame]: never enlarged, never under 1 pixel. The longer side
     * (relative to the frame) fits exactly; the other is rounded half up.
     */
    fun fitted(frame: Size): Size = when {
        height <= frame.height && width <= frame.width -> this
        height.toLong() * frame.width > width.toLong() * frame.height ->
            Size(frame.height, scaled(width, frame.height, height))
        else -> Size(scaled(height, frame.width, width), frame.width)
    }

    private fun scaled(side: Int, to: Int, from: Int): Int =
        ((2L * side * to + from) / (2L * from)).toInt().coerceAtLeast(1)
}
