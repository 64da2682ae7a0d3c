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
        lesions = row.objects("lesions").map {
            val threshold = it.getDouble("threshold")
            Lesion(it.getString("code"), it.getString("name"), threshold, it.colour("colour"))
        },
        exporter = texts(row.getJSONObject("exporter")),
        sha256 = if (row.isNull("sha256")) null else row.getString("sha256"),
        bytes = if (row.isNull("bytes")) null else row.getLong("bytes"),
    )

    companion object {
        @JvmStatic
        @Parameterized.Parameters(name = "{0}")
        fun cases() = Goldens.objects("manifests").map { arrayOf(it.getString("file"), it) }
    }
}

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
