package org.mobileseg.core

import org.json.JSONObject
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Test
import org.junit.runner.RunWith
import org.junit.runners.Parameterized

/** Overlays, counts, areas and flags, from Python's probabilities. */
@RunWith(Parameterized::class)
class OverlayGoldensTest(private val name: String) {
    private val case = Goldens.json("overlays/$name/case.json")
    private val lesions = case.objects("lesions")
    private val prediction = Prediction(
        Frame(case.size("frame_hw"), case.size("content_hw"), bytes("frame.rgb")),
        Answer(
            Goldens.floats("overlays/$name/probabilities.f32"),
            case.getJSONArray("crop").map { (it as Number).toFloat() }.toFloatArray(),
            case.getDouble("retina").toFloat(),
        ),
        manifest(),
    )

    @Test
    fun `the overlay is Python's`() {
        val shown = lesions.filter { it.getBoolean("shown") }.map { it.getString("code") }.toSet()
        val drawn = prediction.overlay(shown, case.getInt("opacity"))
        assertEquals(case.size("content_hw"), drawn.size)
        assertArrayEquals(bytes("overlay.rgb"), drawn.rgb)
    }

    @Test
    fun `counts, pixels and areas are Python's`() {
        val expected = case.getJSONObject("expected").getJSONObject("lesions")
        for ((lesion, finding) in prediction.lesions.zip(prediction.findings)) {
            val row = expected.getJSONObject(lesion.code)
            val same = Finding(row.getInt("count"), row.getInt("pixels"), row.getDouble("area"))
            assertEquals(lesion.code, same, finding)
            assertEquals(lesion.code, row.getLong("basis_points"), finding.basisPoints)
        }
    }

    @Test
    fun `the flags are Python's`() {
        val expected = case.getJSONObject("expected").getJSONArray("flags").map { it as String }
        assertEquals(expected, prediction.flags.map { it.code })
    }

    private fun bytes(file: String) = Goldens.bytes("overlays/$name/$file")

    private fun manifest() = manifestWith(lesions.map(::lesion), case)

    private fun lesion(row: JSONObject) =
        Lesion(row.getString("code"), emptyMap(), row.getDouble("threshold"), row.colour("colour"))

    companion object {
        @JvmStatic
        @Parameterized.Parameters(name = "{0}")
        fun names() = Goldens.names("overlays")
    }
}

/** A good manifest for other lesions, frame and side. */
private fun manifestWith(lesions: List<Lesion>, case: JSONObject): Manifest =
    readManifest(Goldens.text("manifests/executorch.json"), Target.EXECUTORCH)
        .copy(lesions = lesions, frame = case.size("frame_hw"), side = case.getInt("side"))
