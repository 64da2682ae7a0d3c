package org.mobileseg.core

import org.junit.Assert.assertEquals
import org.junit.Test

/** The numbers that all apps share are Python's. */
class LimitsTest {
    private val constants = Goldens.constants

    @Test
    fun `limits are Python's`() {
        assertEquals(constants.getInt("schema"), Limits.SCHEMA)
        assertEquals(constants.getInt("oldest_schema"), Limits.OLDEST_SCHEMA)
        assertEquals(constants.getInt("opacity"), Limits.OPACITY)
        assertEquals(constants.getInt("most_megapixels"), Limits.MOST_MEGAPIXELS)
        assertEquals(constants.getLong("most_file_bytes"), Limits.MOST_FILE_BYTES)
    }

    @Test
    fun `flags are Python's`() {
        val flags = Flag.values().filter { it != Flag.POOR }
        assertEquals(words("flags"), flags.map { it.code })
        assertEquals(words("flags_by_values"), flags.filter { it.byValues }.map { it.code })
    }

    private fun words(key: String) = constants.getJSONArray(key).map { it as String }

    @Test
    fun `a flag is found by its code and no other word`() {
        assertEquals(Flag.GLARE, Flag.of("glare"))
        for (word in listOf("poor", "Glare", "", null)) assertEquals(null, Flag.of(word))
    }

    @Test
    fun `lesions are Python's`() {
        val rows = constants.objects("lesions")
        assertEquals(rows.map { it.getString("code") }, LESION_CODES)
    }
}
