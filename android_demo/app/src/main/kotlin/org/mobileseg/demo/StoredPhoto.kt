package org.mobileseg.demo

import android.graphics.Bitmap
import android.graphics.BitmapFactory
import android.graphics.BitmapRegionDecoder
import android.graphics.ColorSpace
import android.graphics.Rect
import android.media.ExifInterface
import org.mobileseg.core.Limits
import org.mobileseg.core.Orientation
import org.mobileseg.core.Photo
import org.mobileseg.core.Size
import java.io.IOException

/**
 * A photo file, decoded in strips: its pixels as they are stored (no decoder here turns them), in
 * sRGB as the networks learned them. 50 million pixels are 200 MB, a strip is [STRIP_PIXELS].
 *
 * @throws Problem no picture, or one that is larger than the app takes.
 */
class StoredPhoto(private val copy: PhotoCopy) : Photo {
    private val path = copy.file.path
    override val stored: Size = decoding { decoder -> Size(decoder.height, decoder.width) }
    override val orientation: Orientation = Orientation.ofExif(exifTag())

    init {
        if (stored.area > Limits.MOST_MEGAPIXELS * PIXELS_A_MEGAPIXEL) {
            val found = (stored.area + PIXELS_A_MEGAPIXEL - 1) / PIXELS_A_MEGAPIXEL
            val most = Limits.MOST_MEGAPIXELS
            throw Problem(Message(R.string.error_photo_large, copy.name, found, most))
        }
    }

    override fun read(taker: (IntArray, Int) -> Unit) = decoding { decoder ->
        // A JPEG is read from its start for every strip: few large ones.
        val rows = (STRIP_PIXELS / stored.width).coerceAtLeast(1)
        for (top in 0 until stored.height step rows) {
            val bottom = minOf(top + rows, stored.height)
            val strip = decoder.decodeRegion(Rect(0, top, stored.width, bottom), options())
                ?: throw IOException("no pixels in rows $top to $bottom")
            handOver(strip, taker)
            strip.recycle()
        }
    }

    private fun handOver(strip: Bitmap, taker: (IntArray, Int) -> Unit) {
        val width = strip.width
        val rows = (PIECE_PIXELS / width).coerceAtLeast(1)
        val pixels = IntArray(rows * width)
        for (top in 0 until strip.height step rows) {
            val count = minOf(rows, strip.height - top)
            strip.getPixels(pixels, 0, width, 0, top, width, count)
            taker(pixels, count * width)
        }
    }

    private fun options() = BitmapFactory.Options().apply {
        inPreferredConfig = Bitmap.Config.ARGB_8888
        inPreferredColorSpace = ColorSpace.get(ColorSpace.Named.SRGB)
        inPremultiplied = false // a see-through picture's own colours, as Python reads them
    }

    private fun exifTag(): Int = try {
        ExifInterface(path).getAttributeInt(ExifInterface.TAG_ORIENTATION, 0)
    } catch (_: IOException) {
        0 // a format in which this version of Android looks for no EXIF
    }

    private fun <T> decoding(use: (BitmapRegionDecoder) -> T): T {
        try {
            @Suppress("DEPRECATION") // the other one came with Android 12
            val decoder = BitmapRegionDecoder.newInstance(path, false)
                ?: throw IOException("no decoder for $path")
            try {
                return use(decoder)
            } finally {
                decoder.recycle()
            }
        } catch (error: IOException) {
            throw PhotoStore.unreadable(copy.name, error)
        } catch (error: IllegalArgumentException) { // a region that the decoder cannot make
            throw PhotoStore.unreadable(copy.name, error)
        }
    }

    private companion object {
        const val STRIP_PIXELS = 8 shl 20 // 32 MB, outside the app's heap
        const val PIECE_PIXELS = 1 shl 18 // 1 MB, inside it
        const val PIXELS_A_MEGAPIXEL = 1_000_000L
    }
}
