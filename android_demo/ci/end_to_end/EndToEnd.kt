package org.mobileseg.ci

import org.json.JSONArray
import org.json.JSONObject
import org.mobileseg.core.BenchPlan
import org.mobileseg.core.BenchRecord
import org.mobileseg.core.Device
import org.mobileseg.core.Limits
import org.mobileseg.core.Manifest
import org.mobileseg.core.ModelRunner
import org.mobileseg.core.Orientation
import org.mobileseg.core.Photo
import org.mobileseg.core.Prediction
import org.mobileseg.core.Size
import org.mobileseg.core.Target
import org.mobileseg.core.benchFrame
import org.mobileseg.core.frameOf
import org.mobileseg.core.readManifest
import org.mobileseg.core.refuseOtherRuntime
import org.mobileseg.demo.ExecuTorchRunner
import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.time.OffsetDateTime
import java.time.ZoneOffset
import kotlin.system.measureNanoTime

/**
 * The app's own way from a photo to an overlay, on Linux: `BUNDLE RUNTIME OUT PHOTO HxW ...`, where
 * a PHOTO is H * W * 3 bytes. Beside each OUT/NAME/overlay.rgb stand what the model answered and
 * what was found.
 */
fun main(arguments: Array<String>) {
    val (bundle, runtime, out) = arguments
    val manifest = readManifest(File(bundle, "model.json").readText(), Target.EXECUTORCH)
    refuseOtherRuntime(manifest.exporter, runtime)
    ExecuTorchRunner(File(bundle, manifest.artifact).path, manifest).use { runner ->
        File(out).mkdirs()
        File(out, "bench.json").writeText(bench(manifest, runner, runtime).toJson(manifest))
        for ((path, size) in arguments.drop(3).chunked(2)) {
            val photo = RawPhoto(File(path), sizeOf(size))
            val frame = frameOf(photo, manifest.frame)
            val prediction = Prediction(frame, runner.run(frame), manifest)
            write(prediction, File(out, File(path).nameWithoutExtension))
        }
    }
}

/** The benchmark screen's record, of this machine and the pipe to the runtime. */
private fun bench(manifest: Manifest, runner: ModelRunner, runtime: String): BenchRecord {
    val frame = benchFrame(manifest.frame)
    val plan = BenchPlan(warmup = 1, rounds = BenchRecord.LEAST_ROUNDS)
    val rounds = plan.measure({ measureNanoTime { runner.run(frame) } / 1e6 }, { false }) {}
    return BenchRecord(
        OffsetDateTime.now(ZoneOffset.UTC),
        Device("Linux", "Linux", "none", 1, "0.1.0", "executorch $runtime"),
        loadMs = 1.0, // the child process loads while it starts: there is nothing to measure
        warmup = plan.warmup,
        roundsMs = rounds,
        batterySaver = false,
        thermal = "unknown",
    )
}

private fun sizeOf(text: String): Size =
    text.split("x").map { it.toInt() }.let { (height, width) -> Size(height, width) }

private class RawPhoto(private val file: File, override val stored: Size) : Photo {
    override val orientation = Orientation.UPRIGHT

    override fun read(taker: (IntArray, Int) -> Unit) = file.inputStream().buffered().use { input ->
        val row = IntArray(stored.width)
        repeat(stored.height) {
            for (x in row.indices) {
                val rgb = (input.read() shl 16) or (input.read() shl 8) or input.read()
                row[x] = (0xff shl 24) or rgb
            }
            taker(row, row.size)
        }
    }
}

private fun write(prediction: Prediction, folder: File) {
    folder.mkdirs()
    val codes = prediction.lesions.map { it.code }.toSet()
    File(folder, "frame.rgb").writeBytes(prediction.frame.rgb)
    File(folder, "probabilities.f32").writeBytes(littleEndian(prediction.answer.probabilities))
    File(folder, "overlay.rgb").writeBytes(prediction.overlay(codes, Limits.OPACITY).rgb)
    File(folder, "findings.json").writeText(findings(prediction).toString(1))
}

private fun littleEndian(values: FloatArray): ByteArray {
    val bytes = ByteBuffer.allocate(values.size * 4).order(ByteOrder.LITTLE_ENDIAN)
    values.forEach { bytes.putFloat(it) }
    return bytes.array()
}

private fun findings(prediction: Prediction): JSONObject {
    val lesions = JSONObject()
    for ((lesion, finding) in prediction.lesions.zip(prediction.findings)) {
        val row = JSONObject().put("count", finding.count).put("pixels", finding.pixels)
        lesions.put(lesion.code, row.put("area", finding.area))
    }
    val content = prediction.frame.content
    return JSONObject()
        .put("content_hw", JSONArray(listOf(content.height, content.width)))
        .put("crop", JSONArray(prediction.answer.crop.map { it.toDouble() }))
        .put("retina", prediction.answer.retina.toDouble())
        .put("quality", prediction.answer.quality?.let { JSONArray(it.map { v -> v.toDouble() }) })
        .put("usable", prediction.usable)
        .put("flags", JSONArray(prediction.flags.map { it.code }))
        .put("lesions", lesions)
}
