package org.mobileseg.core

import org.junit.Assert.assertEquals
import org.junit.Test

/** The numbers that all apps share are Python's. */
class LimitsTest {
    private val constants = Goldens.constants

    @Test
    fun `limits are Python's`() {
        assertEquals(constants.getInt("schema"), Limits.SCHEMA)
        assertEquals(constants.getInt("opacity"), Limits.OPACITY)
        assertEquals(constants.getInt("most_megapixels"), Limits.MOST_MEGAPIXELS)
        assertEquals(constants.getLong("most_file_bytes"), Limits.MOST_FILE_BYTES)
    }

    @Test
    fun `warnings are Python's`() {
        assertEquals(constants.getString("no_retina"), Warning.NO_RETINA.text)
        assertEquals(constants.getString("too_small"), Warning.TOO_SMALL.text)
    }

    @Test
    fun `lesions are Python's`() {
        val rows = constants.objects("lesions")
        assertEquals(rows.map { it.getString("code") }, LESION_CODES)
    }
}
