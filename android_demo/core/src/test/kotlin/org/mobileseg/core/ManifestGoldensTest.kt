package org.mobileseg.core

import org.json.JSONObject
import org.junit.Assert.assertEquals
import org.junit.Test
import org.junit.runner.RunWith
import org.junit.runners.Parameterized

/** Good manifests are read alike, bad ones are refused for the same entry. */
@RunWith(Parameterized::class)
class ManifestGoldensTest(private val file: String, private val case: JSONObject) {
    @Test
    fun `it is read, or refused, as Python does`() {
        val target = Target.values().single { it.word == case.getString("target") }
        val text = Goldens.text("manifests/$file")
        val expected = case.optJSONObject("problem")?.let { Refused.of(it) }
            ?: expectedManifest(case.getJSONObject("expected"))
        assertEquals(expected, outcome { readManifest(text, target) })
    }

    private fun expectedManifest(row: JSONObject) = Manifest(
        target = row.getString("target"),
        precision = row.getString("precision"),
        variant = row.getString("variant"),
        task = row.getString("task"),
        mobileseg = row.getString("mobileseg"),
        artifact = row.getString("artifact"),
        name = row.getString("name"),
        frame = row.size("frame_hw"),
        side = row.getInt("side"),
        lesions = row.objects("lesions").map(::lesion),
        quality = row.optJSONObject("quality")?.let(::qualitySpec),
        exporter = texts(row.getJSONObject("exporter")),
        sha256 = if (row.isNull("sha256")) null else row.getString("sha256"),
        bytes = if (row.isNull("bytes")) null else row.getLong("bytes"),
    )

    private fun lesion(row: JSONObject) = Lesion(
        row.getString("code"),
        texts(row.getJSONObject("names")),
        row.getDouble("threshold"),
        row.colour("colour"),
        row.optJSONObject("calibration")?.let { Calibration(it.getDouble("a"), it.getDouble("b")) },
    )

    companion object {
        @JvmStatic
        @Parameterized.Parameters(name = "{0}")
        fun cases() = Goldens.objects("manifests").map { arrayOf(it.getString("file"), it) }
    }
}

/** Of a manifest or a golden case, which are right: without a check. */
fun qualitySpec(row: JSONObject) = QualitySpec(
    row.getDouble("usable"),
    row.objects("values").map { value ->
        QualityValue(
            value.getString("name"),
            value.getString("meaning"),
            value.doubleOrNull("least"),
            value.doubleOrNull("most"),
            Flag.of(value.textOrNull("flag_below")),
            Flag.of(value.textOrNull("flag_above")),
        )
    },
)

fun JSONObject.doubleOrNull(key: String): Double? = if (isNull(key)) null else getDouble(key)

fun JSONObject.textOrNull(key: String): String? = if (isNull(key)) null else getString(key)

data class Refused(val code: String, val entry: String) {
    companion object {
        fun of(row: JSONObject) = Refused(row.getString("code"), row.getString("entry"))
    }
}

fun texts(row: JSONObject): Map<String, String> =
    row.keys().asSequence().map { it.toString() }.associateWith { row.getString(it) }

/** What a reader gives, or why it refuses. */
fun outcome(read: () -> Any?): Any? = try {
    read()
} catch (problem: ManifestProblem) {
    Refused(problem.code, problem.entry)
}
