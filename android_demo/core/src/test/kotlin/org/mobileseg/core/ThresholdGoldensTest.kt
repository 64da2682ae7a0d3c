package org.mobileseg.core

import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Test
import org.junit.runner.RunWith
import org.junit.runners.Parameterized

@RunWith(Parameterized::class)
class ThresholdGoldensTest(private val name: String) {
    @Test
    fun `the mask is Python's`() {
        val case = Goldens.json("thresholds/$name/case.json")
        val probabilities = Goldens.floats("thresholds/$name/probabilities.f32")
        val found = atLeast(case.getDouble("threshold"), probabilities, 0, probabilities.size)
        val expected = Goldens.bytes("thresholds/$name/mask.u8").map { it.toInt() == 1 }
        assertArrayEquals(expected.toBooleanArray(), found)
        assertEquals(case.getInt("count"), found.size)
    }

    companion object {
        @JvmStatic
        @Parameterized.Parameters(name = "{0}")
        fun names() = Goldens.names("thresholds")
    }
}
