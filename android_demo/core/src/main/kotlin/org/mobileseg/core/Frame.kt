package org.mobileseg.core

/**
 * What the model takes: a photo fitted into a fixed size, top left, the rest black.
 *
 * @property content size of the photo inside the frame.
 * @property rgb height * width * 3 bytes, row by row.
 */
class Frame(val size: Size, val content: Size, val rgb: ByteArray) {
    init {
        require(rgb.size.toLong() == size.area * 3) {
            "${rgb.size} bytes: expected ${size.height} x ${size.width} x 3"
        }
    }
}
