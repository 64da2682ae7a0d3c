package org.mobileseg.core

import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Test

class FrameBuilderTest {
    @Test
    fun `three columns become two, and halves are rounded up`() {
        val builder = FrameBuilder(Size(1, 3), Orientation.UPRIGHT, Size(1, 2))
        builder.take(intArrayOf(grey(0), grey(3), grey(9)))
        // (0*2 + 3*1) / 3 = 1 and (3*1 + 9*2) / 3 = 7
        assertArrayEquals(byteArrayOf(1, 1, 1, 7, 7, 7), builder.finish().rgb)
    }

    @Test
    fun `a photo that ends too early, or too late, is told`() {
        val builder = FrameBuilder(Size(2, 2), Orientation.UPRIGHT, Size(2, 2))
        builder.take(IntArray(3))
        val early = assertThrows(IllegalStateException::class.java) { builder.finish() }
        assertEquals("fewer pixels than 2 x 2", early.message)
        val late = assertThrows(IllegalStateException::class.java) { builder.take(IntArray(2)) }
        assertEquals("more pixels than 2 x 2", late.message)
    }

    @Test
    fun `an orientation that is none leaves the photo as it is`() {
        for (tag in listOf(0, 9, -1)) assertEquals(Orientation.UPRIGHT, Orientation.ofExif(tag))
    }

    @Test
    fun `what is clear is black, and what is half clear is half as bright`() {
        assertEquals(0xff000000.toInt(), onBlack(0x00ffffff))
        assertEquals(0xff804020.toInt(), onBlack(0xff804020.toInt()))
        assertEquals(0xff402010.toInt(), onBlack(0x80804020.toInt())) // 128/255 of it, rounded
        assertEquals(0xff010001.toInt(), onBlack(0x80010001.toInt())) // 0.502 rounds up
        assertEquals(0xff000000.toInt(), onBlack(0x7f010000)) // and 0.498 down
    }

    private fun grey(level: Int) = (0xff shl 24) or (level * 0x010101)
}
