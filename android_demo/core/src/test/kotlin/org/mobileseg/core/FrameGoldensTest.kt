package org.mobileseg.core

import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Test
import org.junit.runner.RunWith
import org.junit.runners.Parameterized

/** Photo -> frame, byte for byte what Python makes. */
@RunWith(Parameterized::class)
class FrameGoldensTest(private val name: String) {
    private val case = Goldens.json("photo_to_frame/$name/case.json")

    @Test
    fun `the frame is Python's`() {
        for (piece in listOf(1, 7, 1 shl 20)) {
            val frame = frameOf(photo(piece), case.size("frame_hw"))
            assertEquals(case.size("content_hw"), frame.content)
            assertArrayEquals(Goldens.bytes("photo_to_frame/$name/frame.rgb"), frame.rgb)
        }
    }

    @Test
    fun `the upright size is Python's`() {
        val photo = photo(piece = 1)
        assertEquals(case.size("upright_hw"), photo.orientation.turned(photo.stored))
    }

    private fun photo(piece: Int) = StoredPhoto(
        case.size("photo_hw"),
        Orientation.ofExif(case.getInt("orientation")),
        Goldens.bytes("photo_to_frame/$name/photo.rgb"),
        piece,
    )

    companion object {
        @JvmStatic
        @Parameterized.Parameters(name = "{0}")
        fun names() = Goldens.names("photo_to_frame")
    }
}
