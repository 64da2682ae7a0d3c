package org.mobileseg.core

import org.json.JSONObject
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Test
import java.time.OffsetDateTime

class BenchTest {
    private val manifest =
        readManifest(Goldens.text("manifests/executorch.json"), Target.EXECUTORCH)
    private val rounds = (1..12).map { it * 1.5 }

    @Test
    fun `quantiles are NumPy's`() {
        // numpy.quantile([3, 1, 4, 1, 5, 9, 2, 6], q), its default "linear"
        val values = listOf(3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0)
        assertEquals(3.5, quantile(values, 0.5), 1e-12)
        assertEquals(6.9, quantile(values, 0.9), 1e-12)
        assertEquals(9.0, quantile(values, 1.0), 0.0)
        assertEquals(7.0, quantile(listOf(7.0), 0.9), 0.0)
    }

    @Test
    fun `the record is what mobileseg bench --import takes`() {
        val record = JSONObject(record(rounds).toJson(manifest))
        assertEquals(FIELDS, record.keys().asSequence().toSet())
        assertEquals("mobileseg-phone-bench", record.getString("kind"))
        assertEquals("2026-11-26T10:00:00+00:00", record.getString("date"))
        assertEquals(manifest.sha256, record.getString("artifact_sha256"))
        assertEquals(manifest.frame, record.size("frame_hw"))
        assertEquals(rounds, record.getJSONArray("rounds_ms").map { (it as Number).toDouble() })
        assertEquals(9.75, record.getDouble("median_ms"), 1e-12)
        assertEquals(16.35, record.getDouble("p90_ms"), 1e-12)
        assertEquals(false, record.getBoolean("battery_saver"))
    }

    @Test
    fun `fewer than ten rounds make no record`() {
        val problem = assertThrows(IllegalArgumentException::class.java) { record(rounds.take(9)) }
        assertEquals("9 rounds: expected at least 10", problem.message)
    }

    private fun record(rounds: List<Double>) = BenchRecord(
        OffsetDateTime.parse("2026-11-26T10:00:00.123Z"),
        Device("maker model", "Android 15 (API 35)", "arm64-v8a", 8, "0.1.0", "executorch 1.4.1"),
        loadMs = 12.3,
        warmup = 5,
        roundsMs = rounds,
        batterySaver = false,
        thermal = "none",
    )

    companion object {
        val FIELDS = setOf(
            "schema", "kind", "date", "app", "app_version", "device", "system", "abi", "cores",
            "runtime", "artifact_sha256", "target", "precision", "frame_hw", "load_ms", "warmup",
            "rounds_ms", "median_ms", "p90_ms", "battery_saver", "thermal",
        )
    }
}

class BenchFrameTest {
    @Test
    fun `the disc is as high as the frame, and in its middle`() {
        val frame = benchFrame(Size(4, 8))
        val rows = frame.rgb.toList().chunked(8 * 3).map { row ->
            row.chunked(3).joinToString("") { if (it.all { level -> level == DARK }) "." else "#" }
        }
        assertEquals(listOf("...##...", "..####..", "..####..", "...##..."), rows)
    }

    private companion object {
        const val DARK: Byte = 0
    }
}
