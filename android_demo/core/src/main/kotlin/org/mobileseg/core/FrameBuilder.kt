package org.mobileseg.core

import kotlin.math.min

/**
 * Photo -> frame, from pixels as they come: the exact-area average in whole numbers that every app
 * and the training use, and a photo of 50 million pixels never stands in memory.
 *
 * The photo is averaged along its stored axes and each average is put where it belongs in the
 * upright picture. That is exact: mirrored, the stretch of stretch i covers the same pixels with
 * the same overlaps.
 *
 * Along an axis of n pixels that become m, pixel k covers [k*m, (k+1)*m) and stretch i covers
 * [i*n, (i+1)*n). As m <= n, a pixel touches two stretches at most.
 *
 * @param stored size of the photo as it is stored, before turning.
 */
class FrameBuilder(
    private val stored: Size,
    private val orientation: Orientation,
    private val frame: Size,
) {
    private val content = orientation.turned(stored).fitted(frame)
    private val grid = orientation.turned(content) // the content along the stored axes
    private val rgb = ByteArray((frame.area * 3).toInt())

    private val across = LongArray(grid.width * 3) // one stored row, in 1/grid.width of a column
    private val sums = LongArray(grid.width * 3) // one row of stretches, in 1/(grid's area)

    private var x = 0 // the next pixel's column, and the stretch it falls into
    private var cell = 0
    private var room = stored.width // what is left of that stretch

    private var gridRow = 0
    private var rowRoom = stored.height

    /**
     * The next [count] pixels, row by row; any number at a time. What is clear becomes black, as
     * Python reads it: each colour times its opacity.
     */
    fun take(argb: IntArray, count: Int = argb.size) {
        var from = 0
        while (from < count) {
            check(gridRow < grid.height) { "more pixels than ${stored.height} x ${stored.width}" }
            val to = from + min(count - from, stored.width - x)
            addAcross(argb, from, to)
            x += to - from
            from = to
            if (x == stored.width) endRow()
        }
    }

    /** The frame, once every pixel was taken. */
    fun finish(): Frame {
        check(gridRow == grid.height) { "fewer pixels than ${stored.height} x ${stored.width}" }
        return Frame(frame, content, rgb)
    }

    private fun addAcross(argb: IntArray, from: Int, to: Int) {
        var cell = cell // locals: this loop sees every pixel of the photo
        var room = room
        for (i in from until to) {
            val pixel = onBlack(argb[i])
            val first = min(grid.width, room)
            add(cell, pixel, first)
            room -= first
            if (room == 0) {
                cell++
                room = stored.width
                if (first < grid.width) {
                    add(cell, pixel, grid.width - first)
                    room -= grid.width - first
                }
            }
        }
        this.cell = cell
        this.room = room
    }

    private fun add(cell: Int, pixel: Int, overlap: Int) {
        val at = cell * 3
        across[at] += ((pixel shr 16) and 0xff).toLong() * overlap
        across[at + 1] += ((pixel shr 8) and 0xff).toLong() * overlap
        across[at + 2] += (pixel and 0xff).toLong() * overlap
    }

    private fun endRow() {
        val first = min(grid.height, rowRoom)
        addDown(first)
        rowRoom -= first
        if (rowRoom == 0) {
            place()
            gridRow++
            rowRoom = stored.height
            addDown(grid.height - first)
            rowRoom -= grid.height - first
        }
        across.fill(0)
        x = 0
        cell = 0
        room = stored.width
    }

    private fun addDown(overlap: Int) {
        for (i in sums.indices) sums[i] += across[i] * overlap
    }

    /** Round one row of stretches, floor(mean + 1/2), into the upright frame; begin the next. */
    private fun place() {
        val area = stored.area
        for (column in 0 until grid.width) {
            val row = orientation.rowOf(gridRow, column, content)
            val at = (row * frame.width + orientation.columnOf(gridRow, column, content)) * 3
            for (channel in 0..2) {
                rgb[at + channel] = ((2 * sums[column * 3 + channel] + area) / (2 * area)).toByte()
            }
        }
        sums.fill(0)
    }
}

/** The pixel opaque on black, rounded; its own colours, not multiplied by the opacity yet. */
internal fun onBlack(argb: Int): Int {
    val opacity = argb ushr 24
    if (opacity == 0xff) return argb
    fun level(shift: Int) = ((((argb shr shift) and 0xff) * opacity * 2 + 255) / 510) shl shift
    return (0xff shl 24) or level(16) or level(8) or level(0)
}
