package org.mobileseg.core

import org.json.JSONArray
import org.json.JSONObject
import java.time.OffsetDateTime
import java.time.format.DateTimeFormatter
import kotlin.math.floor

/**
 * The value below which [share] of the numbers lie, between two of them on a straight line: NumPy's
 * default, so that a phone's figure and the desk's are the same thing.
 */
fun quantile(values: List<Double>, share: Double): Double {
    require(values.isNotEmpty()) { "no numbers: expected at least 1" }
    val sorted = values.sorted()
    val place = (sorted.size - 1) * share
    val below = floor(place).toInt()
    val above = minOf(below + 1, sorted.lastIndex)
    return sorted[below] + (sorted[above] - sorted[below]) * (place - below)
}

/** Where a benchmark ran. */
data class Device(
    val name: String,
    val system: String,
    val abi: String,
    val cores: Int,
    val appVersion: String,
    val runtime: String,
)

/** One run of the benchmark; what `mobileseg bench --import` takes. */
class BenchRecord(
    val date: OffsetDateTime,
    val device: Device,
    val loadMs: Double,
    val warmup: Int,
    val roundsMs: List<Double>,
    val batterySaver: Boolean,
    val thermal: String,
) {
    init {
        require(roundsMs.size >= LEAST_ROUNDS) {
            "${roundsMs.size} rounds: expected at least $LEAST_ROUNDS"
        }
    }

    val medianMs: Double get() = quantile(roundsMs, 0.5)
    val p90Ms: Double get() = quantile(roundsMs, 0.9)

    fun toJson(manifest: Manifest): String = JSONObject()
        .put("schema", SCHEMA)
        .put("kind", "mobileseg-phone-bench")
        .put("date", date.format(DATE))
        .put("app", "android")
        .put("app_version", device.appVersion)
        .put("device", device.name)
        .put("system", device.system)
        .put("abi", device.abi)
        .put("cores", device.cores)
        .put("runtime", device.runtime)
        .put("artifact_sha256", manifest.sha256)
        .put("target", manifest.target)
        .put("precision", manifest.precision)
        .put("frame_hw", JSONArray(listOf(manifest.frame.height, manifest.frame.width)))
        .put("load_ms", loadMs)
        .put("warmup", warmup)
        .put("rounds_ms", JSONArray(roundsMs))
        .put("median_ms", medianMs)
        .put("p90_ms", p90Ms)
        .put("battery_saver", batterySaver)
        .put("thermal", thermal)
        .toString(1)

    companion object {
        const val SCHEMA = 1
        const val LEAST_ROUNDS = 10 // fewer make no 90th percentile
        private val DATE = DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ssxxx")
    }
}
