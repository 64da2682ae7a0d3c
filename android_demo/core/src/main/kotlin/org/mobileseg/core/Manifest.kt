package org.mobileseg.core

/** Constants of a lesion's probabilities, which the model has inside. */
data class Calibration(val a: Double, val b: Double)

/**
 * One lesion that the model finds, in the order of its channels.
 *
 * @property names by language; English is always there.
 * @property calibration null: its probabilities are the network's own.
 */
data class Lesion(
    val code: String,
    val names: Map<String, String>,
    val threshold: Double,
    val colour: Colour,
    val calibration: Calibration? = null,
)

/**
 * What an app needs to know of model.json.
 *
 * @property quality null: the model says nothing of it.
 * @property sha256 of the artifact; null where it is a folder (Core ML), with a sum for each file.
 */
data class Manifest(
    val target: String,
    val precision: String,
    val variant: String,
    val task: String,
    val mobileseg: String,
    val artifact: String,
    val name: String,
    val frame: Size,
    val side: Int,
    val lesions: List<Lesion>,
    val quality: QualitySpec?,
    val exporter: Map<String, String>,
    val sha256: String?,
    val bytes: Long?,
)

/**
 * Why a manifest is refused.
 *
 * @property code which check failed: `not-json`, `schema`, `schema-newer`, `target`, `entry` or
 *   `runtime`.
 * @property entry the dotted path of the entry at fault; "" for the whole text.
 * @property found what stood there, as text.
 */
class ManifestProblem(val code: String, val entry: String, val found: String = "") :
    Exception("model.json: $code at '$entry' (found: $found)")

/** A kind of artifact and what its manifest must say of it. */
enum class Target(
    val word: String,
    val artifact: String,
    val channelsFirst: Boolean, // of the input, as the traced module sees it
    val isFile: Boolean, // a folder has no one sum
) {
    EXECUTORCH("executorch", "model.pte", channelsFirst = false, isFile = true),
    ONNX("onnx", "model.onnx", channelsFirst = false, isFile = true),
    COREML("coreml", "model.mlpackage", channelsFirst = true, isFile = false),
}

private const val EXPORTER = "executorch"

/**
 * ExecuTorch keeps its files readable within a minor version: another one is refused by its name,
 * before the native library meets the file.
 *
 * @param exporter of the manifest.
 * @param runtime version of the runtime inside the app, "1.4.1".
 * @throws ManifestProblem the exporter had another minor version, or none is named.
 */
fun refuseOtherRuntime(exporter: Map<String, String>, runtime: String) {
    val written = exporter[EXPORTER]
    if (written == null || minor(written) != minor(runtime)) {
        throw ManifestProblem("runtime", "exporter.$EXPORTER", written ?: MISSING)
    }
}

private fun minor(version: String): List<String> = version.split(".").take(2)
