package org.mobileseg.core

import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Test
import java.util.Locale

class PercentTest {
    @Test
    fun `hundredths of a percent are shown in the locale's digits`() {
        assertEquals("0.42", Percent(Locale.ENGLISH).of(42))
        assertEquals("0,42", Percent(Locale.GERMAN).of(42))
        assertEquals("100.00", Percent(Locale.ENGLISH).of(10_000))
        assertEquals("0,01", Percent(Locale.GERMAN).smallest)
    }

    @Test
    fun `what is there and rounds to nothing is below the smallest`() {
        val percent = Percent(Locale.ENGLISH)
        assertTrue(percent.isBelow(Finding(count = 1, pixels = 1, area = 0.00004)))
        assertFalse(percent.isBelow(Finding(count = 0, pixels = 0, area = 0.0)))
        assertFalse(percent.isBelow(Finding(count = 1, pixels = 1, area = 0.00005)))
    }
}
