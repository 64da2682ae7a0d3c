package org.mobileseg.core

/** The square around the retina, in frame pixels; it may hang out of the frame. */
data class Crop(val left: Int, val top: Int, val width: Int, val height: Int) {
    init {
        require(width > 0 && height > 0) { "a crop of $width x $height: expected 1 or more" }
    }

    companion object {
        /** Of the model's four numbers: left, top, width, height. */
        fun of(values: FloatArray): Crop {
            require(values.size == 4) { "a crop of ${values.size} numbers: expected 4" }
            val (left, top, width, height) = values.map { Math.rint(it.toDouble()).toInt() }
            return Crop(left, top, width, height)
        }
    }
}

/** RGB, 0..255 each. */
data class Colour(val red: Int, val green: Int, val blue: Int)

/** A mask to draw and its colour. */
class Layer(val mask: Mask, val colour: Colour)

/** A picture in RGB, row by row. */
class Picture(val size: Size, val rgb: ByteArray) {
    /** As Android's bitmaps take it: opaque, one whole number a pixel. */
    fun argb(): IntArray = IntArray(size.area.toInt()) { i ->
        (0xff shl 24) or (level(i * 3) shl 16) or (level(i * 3 + 1) shl 8) or level(i * 3 + 2)
    }

    private fun level(at: Int): Int = rgb[at].toInt() and 0xff
}

/**
 * Draw the layers over the frame's content, later ones on top, in whole numbers: written alike in
 * every language that shows masks.
 *
 * @param opacity 0..255.
 */
fun overlay(frame: Frame, crop: Crop, layers: List<Layer>, opacity: Int): Picture {
    require(opacity in 0..255) { "opacity $opacity: expected 0..255" }
    val (height, width) = frame.content
    val drawn = ByteArray(height * width * 3)
    for (y in 0 until height) {
        val from = y * frame.size.width * 3
        frame.rgb.copyInto(drawn, y * width * 3, from, from + width * 3)
    }
    for (layer in layers) {
        val rows = places(height, crop.top, crop.height, layer.mask.side)
        val columns = places(width, crop.left, crop.width, layer.mask.side)
        tint(drawn, layer, rows, columns, opacity)
    }
    return Picture(frame.content, drawn)
}

/** Mask row (or column) of each frame row: floor((y - start) * side / length); -1 outside. */
private fun places(count: Int, start: Int, length: Int, side: Int) = IntArray(count) { y ->
    val place = Math.floorDiv((y - start).toLong() * side, length.toLong())
    if (place in 0 until side) place.toInt() else -1
}

private fun tint(drawn: ByteArray, layer: Layer, rows: IntArray, columns: IntArray, opacity: Int) {
    val (red, green, blue) = layer.colour
    for (y in rows.indices) {
        if (rows[y] < 0) continue
        val from = rows[y] * layer.mask.side
        for (x in columns.indices) {
            if (columns[x] < 0 || !layer.mask.pixels[from + columns[x]]) continue
            val at = (y * columns.size + x) * 3
            drawn[at] = blended(drawn[at], red, opacity)
            drawn[at + 1] = blended(drawn[at + 1], green, opacity)
            drawn[at + 2] = blended(drawn[at + 2], blue, opacity)
        }
    }
}

private fun blended(source: Byte, colour: Int, opacity: Int): Byte =
    (((source.toInt() and 0xff) * (255 - opacity) + colour * opacity + 127) / 255).toByte()
