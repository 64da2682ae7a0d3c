package org.mobileseg.demo

import org.json.JSONObject
import org.mobileseg.core.Orientation
import org.mobileseg.core.Photo
import org.mobileseg.core.Picture
import org.mobileseg.core.Size

/** A golden photo: pixels without a file format around them. */
class RawPhoto(case: JSONObject, private val rgb: ByteArray) : Photo {
    override val stored: Size = case.size("photo_hw")
    override val orientation: Orientation = Orientation.ofExif(case.getInt("orientation"))

    override fun read(taker: (IntArray, Int) -> Unit) {
        val pixels = Picture(stored, rgb).argb()
        taker(pixels, pixels.size)
    }
}
