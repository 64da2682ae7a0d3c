package org.mobileseg.core

/**
 * A frame to time a model with: a disc as large as the frame allows, so that the crop and the
 * resize have a retina to work on. What is in it does not matter to the network's speed, and an app
 * needs no picture of anybody.
 */
fun benchFrame(size: Size): Frame {
    val rgb = ByteArray((size.area * 3).toInt())
    val diameter = minOf(size.height, size.width)
    for (y in 0 until size.height) {
        for (x in 0 until size.width) {
            // In half pixels, so that the centre of an even size is a whole number.
            val down = 2L * y + 1 - size.height
            val right = 2L * x + 1 - size.width
            if (down * down + right * right > diameter.toLong() * diameter) continue
            val at = (y * size.width + x) * 3
            rgb[at] = (RED + x % GRAIN).toByte()
            rgb[at + 1] = (GREEN + y % GRAIN).toByte()
            rgb[at + 2] = BLUE.toByte()
        }
    }
    return Frame(size, size, rgb)
}

private const val RED = 150
private const val GREEN = 70
private const val BLUE = 30
private const val GRAIN = 64 // levels; a picture of one colour is no work for CLAHE
