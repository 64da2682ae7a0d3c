package org.mobileseg.core

import org.json.JSONObject
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.junit.runners.Parameterized
import java.security.MessageDigest

/** Photos of 50 million pixels, in a heap that could not hold a third of one. */
@RunWith(Parameterized::class)
class LargePhotosTest(@Suppress("unused") private val name: String, private val case: JSONObject) {
    @Test
    fun `the frame is Python's`() {
        val most = Runtime.getRuntime().maxMemory()
        assertTrue("a heap of $most bytes: run with -Xmx64m", most <= 64L shl 20)
        val frame = frameOf(FormulaPhoto(case.size("photo_hw")), case.size("frame_hw"))
        assertEquals(case.size("content_hw"), frame.content)
        assertEquals(case.getString("frame_sha256"), sha256(frame.rgb))
    }

    private fun sha256(bytes: ByteArray) = MessageDigest.getInstance("SHA-256").digest(bytes)
        .joinToString("") { "%02x".format(it) }

    companion object {
        @JvmStatic
        @Parameterized.Parameters(name = "{0}")
        fun cases() = Goldens.objects("large_photos").map { arrayOf(it.getString("name"), it) }
    }
}

/** The goldens' formula, a row at a time. */
private class FormulaPhoto(override val stored: Size) : Photo {
    override val orientation = Orientation.UPRIGHT

    override fun read(taker: (IntArray, Int) -> Unit) {
        val row = IntArray(stored.width)
        for (y in 0 until stored.height) {
            for (x in row.indices) row[x] = pixel(x, y)
            taker(row, row.size)
        }
    }

    private fun pixel(x: Int, y: Int): Int {
        val first = x * 31 + y * 17 + ((x * y) shr 7)
        val green = first + 101
        val blue = first + 202
        val rgb = ((first and 255) shl 16) or ((green and 255) shl 8) or (blue and 255)
        return (0xff shl 24) or rgb
    }
}
