package org.mobileseg.core

import org.junit.Assert.assertEquals
import org.junit.Test

class ComponentsTest {
    @Test
    fun `pixels that touch by a corner are one lesion`() {
        assertEquals(1, components(mask("#...", ".#..", "..#.", "...#")))
        assertEquals(2, components(mask("#...", "..#.", "....", "....")))
    }

    @Test
    fun `the picture's edges are no neighbours`() {
        assertEquals(2, components(mask("...#", "#...", "....", "....")))
    }

    @Test
    fun `a mask without holes is one, an empty one none`() {
        assertEquals(1, components(Mask(512, BooleanArray(512 * 512) { true })))
        assertEquals(0, components(Mask(4, BooleanArray(16))))
    }

    private fun mask(vararg rows: String) =
        Mask(rows.size, rows.joinToString("").map { it == '#' }.toBooleanArray())
}
