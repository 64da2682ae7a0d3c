package org.mobileseg.core

import org.junit.Assert.assertEquals
import org.junit.Test

class ViewportTest {
    private val viewport = Viewport().apply { lay(view = Size(200, 100), picture = Size(50, 50)) }

    @Test
    fun `a picture is fitted and centred`() = assertPlace(scale = 2f, left = 0f, top = 50f)

    @Test
    fun `what lies under the fingers stays there`() {
        viewport.zoom(2f, 100f, 100f) // the picture's pixel (50, 25)
        assertPlace(scale = 4f, left = -100f, top = 0f)
    }

    @Test
    fun `a picture leaves the view by no edge`() {
        viewport.zoom(4f, 0f, 0f)
        viewport.move(1e6f, -1e6f)
        assertPlace(scale = 8f, left = 0f, top = -200f)
    }

    @Test
    fun `zoom ends where the whole picture is seen, and at its most`() {
        viewport.zoom(0.01f, 10f, 10f)
        assertPlace(scale = 2f, left = 0f, top = 50f)
        viewport.zoom(1e6f, 0f, 0f)
        assertEquals(2f * Viewport.MOST, viewport.scale, 1e-4f)
    }

    @Test
    fun `the same sizes again keep the place, others do not`() {
        viewport.zoom(4f, 0f, 0f)
        viewport.lay(Size(200, 100), Size(50, 50))
        assertEquals(8f, viewport.scale, 0f)
        viewport.lay(Size(100, 200), Size(50, 50))
        assertPlace(scale = 2f, left = 50f, top = 0f)
    }

    private fun assertPlace(scale: Float, left: Float, top: Float) {
        assertEquals(scale, viewport.scale, 1e-4f)
        assertEquals(left, viewport.left, 1e-3f)
        assertEquals(top, viewport.top, 1e-3f)
    }
}
