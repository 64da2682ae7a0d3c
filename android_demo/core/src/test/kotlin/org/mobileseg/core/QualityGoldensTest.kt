package org.mobileseg.core

import org.json.JSONObject
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Test
import org.junit.runner.RunWith
import org.junit.runners.Parameterized

/** A picture's quality, and what is said of it before any figure. */
@RunWith(Parameterized::class)
class QualityGoldensTest(private val name: String) {
    private val case = Goldens.json("quality/$name.json")
    private val spec = qualitySpec(case.getJSONObject("quality"))
    private val codes = case.getJSONArray("lesions").map { it as String }
    private val output = case.getJSONArray("output")
        .map { if (it == JSONObject.NULL) Float.NaN else (it as Number).toFloat() } // no NaN in JSON
        .toFloatArray()
    private val raised = case.getJSONArray("raised").map { Flag.of(it as String)!! }
    private val expected = case.getJSONObject("expected")
    private val found = judgeQuality(output, codes.size, spec, raised)

    @Test
    fun `quality and flags are Python's`() {
        val lesions = expected.getJSONObject("lesions")
        assertEquals(codes.map { lesions.getDouble(it).toFloat() }, found.lesions)
        assertEquals(expected.getDouble("shown").toFloat(), found.shown)
        assertEquals(expected.getInt("percent"), found.percent)
        assertEquals(expected.getBoolean("usable"), found.usable)
        val flags = expected.getJSONArray("flags").map { it as String }
        assertEquals(flags, found.flags.map { it.code })
    }

    @Test
    fun `sentences are Python's`() {
        val texts = Goldens.json("texts.json")
        for (language in listOf("en", "de")) {
            val said = saidOf(found.flags, found.usable)
                .map { "flag_${it.code.replace('-', '_')}" }
                .map { texts.getJSONObject(it).getString(language) }
            val sentences = expected.getJSONObject("sentences").getJSONArray(language)
            assertEquals(sentences.map { it as String }, said)
        }
    }

    @Test
    fun `another number of values is no quality`() {
        assertThrows(IllegalArgumentException::class.java) {
            judgeQuality(output + 1f, codes.size, spec, raised)
        }
    }

    companion object {
        @JvmStatic
        @Parameterized.Parameters(name = "{0}")
        fun names() = Goldens.names("quality")
    }
}
