package org.mobileseg.demo

import androidx.test.ext.junit.runners.AndroidJUnit4
import org.junit.AfterClass
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.mobileseg.core.Frame
import kotlin.math.abs

/** The bundled model on this phone answers as on the desk where it was made. */
@RunWith(AndroidJUnit4::class)
class ModelGoldensTest {
    @Test
    fun goldensInGoldensOut() {
        val names = Assets.names(GOLDENS)
        assertTrue("no model goldens: run mobileseg bundle-apps BUNDLE", names.isNotEmpty())
        for (name in names) assertAnswers(name)
    }

    /** An answer stays whole while the next frame is looked at. */
    @Test
    fun anAnswerOutlivesTheNextCall() {
        val names = Assets.names(GOLDENS)
        val first = runner.run(frame(names.first()))
        val before = first.probabilities.copyOf()
        runner.run(frame(names.last()))
        assertArrayEquals(before, first.probabilities, 0f)
    }

    private fun assertAnswers(name: String) {
        val expected = Assets.json("$GOLDENS/$name/expected.json")
        val probabilities = Assets.floats("$GOLDENS/$name/probabilities.f32")
        val answer = runner.run(frame(name))
        val crop = expected.getJSONArray("crop").wholes().map { it.toFloat() }.toFloatArray()
        assertArrayEquals(name, crop, answer.crop, 0f)
        assertEquals(name, expected.getDouble("retina"), answer.retina.toDouble(), RETINA)
        assertEquals(name, probabilities.size, answer.probabilities.size)
        val found = answer.probabilities
        val apart = probabilities.indices.maxOf { abs(probabilities[it] - found[it]) }
        assertTrue("$name: probabilities $apart apart", apart <= PROBABILITY)
        val quality = expected.optJSONArray("quality")?.numbers() ?: floatArrayOf()
        assertArrayEquals(name, quality, answer.quality ?: floatArrayOf(), QUALITY)
    }

    private fun frame(name: String): Frame {
        val size = manifest.frame
        return Frame(size, size, Assets.bytes("$GOLDENS/$name/frame.rgb"))
    }

    companion object {
        private const val GOLDENS = "model-goldens"
        private const val PROBABILITY = 1e-4f // float sums in another order, on other kernels
        private const val RETINA = 1e-6
        private const val QUALITY = 1e-3f // converters/parity/tolerances.py, "quality_written"
        private val store = ModelStore(Assets.app)
        private val manifest = store.manifest()
        private val runner = ExecuTorchRunner(store.file(manifest).path, manifest)

        @JvmStatic
        @AfterClass
        fun close() = runner.close()
    }
}
