package org.mobileseg.core

/**
 * How a stored picture is to be turned: EXIF's eight ways, each an exchange of the axes, then a
 * reversal of rows or columns.
 */
enum class Orientation(
    private val transposed: Boolean,
    private val rowsReversed: Boolean,
    private val columnsReversed: Boolean,
) {
    UPRIGHT(false, false, false),
    FLIPPED_ACROSS(false, false, true),
    HALF_TURN(false, true, true),
    FLIPPED_DOWN(false, true, false),
    TRANSPOSED(true, false, false),
    QUARTER_TURN(true, false, true),
    TRANSVERSE(true, true, true),
    THREE_QUARTER_TURN(true, true, false);

    /** A picture's size before turning from its size after, and the other way round. */
    fun turned(size: Size): Size = if (transposed) size.transposed() else size

    /** Where the pixel at [row], [column] before turning lies in the [upright] picture: its row. */
    fun rowOf(row: Int, column: Int, upright: Size): Int =
        reversedIf(rowsReversed, if (transposed) column else row, upright.height)

    /** Its column. */
    fun columnOf(row: Int, column: Int, upright: Size): Int =
        reversedIf(columnsReversed, if (transposed) row else column, upright.width)

    private fun reversedIf(reversed: Boolean, place: Int, count: Int): Int =
        if (reversed) count - 1 - place else place

    companion object {
        /** Of EXIF's tag; what is none of 1..8 (0 is "undefined") leaves a picture as it is. */
        fun ofExif(tag: Int): Orientation = entries.getOrElse(tag - 1) { UPRIGHT }
    }
}
