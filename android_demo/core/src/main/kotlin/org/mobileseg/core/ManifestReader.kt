package org.mobileseg.core

import org.json.JSONException
import org.json.JSONObject

/** In the order of channels, and of drawing. */
internal val LESION_CODES = listOf("MA", "HE", "EX", "SE")
private val LEVELS = 0..255
private val FRAME_PX = 32..4096 // whole-number sums inside the graph are exact up to there
private const val SIDE_STEP = 32 // the networks halve their input five times
private val BYTES = 1L..(1L shl 40)
private val SHA256 = Regex("[0-9a-f]{64}")

/**
 * The manifest in a text. The first entry that is not as it must be ends it, and every app checks
 * in this order.
 *
 * @throws ManifestProblem not JSON, of another schema or target, or an entry at fault.
 */
fun readManifest(text: String, target: Target): Manifest {
    val root = Entry(objectIn(text), "")
    checkSchema(root.child("schema"))
    root.child("target").let { if (it.textOrNull() != target.word) it.refuse("target") }
    val mobileseg = root.child("mobileseg").name()
    val precision = root.child("precision").name()
    val variant = root.child("variant").name()
    val task = root.child("task").name()
    root.child("artifact").equal(target.artifact)
    root.child("graph").absentOr("whole")
    root.child("answer").absentOr("probabilities")
    val frame = frameIn(root.child("frames"))
    val lesions = lesionsIn(root.child("lesions"))
    checkInput(root.child("input"), target, frame)
    val side = sideIn(root.child("outputs"), lesions.size)
    val exporter = exporterIn(root.child("exporter"))
    val sum = sumIn(root.child("files").asObject(), target)
    val name = root.firstMember() ?: variant
    return Manifest(
        target.word, precision, variant, task, mobileseg, target.artifact, name, frame, side,
        lesions, exporter, sum?.sha256, sum?.bytes,
    )
}

private fun objectIn(text: String): JSONObject {
    if (isStrictJson(text)) {
        try {
            return JSONObject(text)
        } catch (ignored: JSONException) {
            // a list, or a word: told below
        } catch (ignored: StackOverflowError) {
            // org.json reads lists in lists by recursion: a tower of them is no manifest
        }
    }
    throw ManifestProblem("not-json", "", text.take(FIRST_CHARACTERS))
}

private const val FIRST_CHARACTERS = 40 // of a text that is shown in an error

private fun checkSchema(schema: Entry) {
    val found = schema.wholeOrNull() ?: schema.refuse("schema")
    if (found > Limits.SCHEMA) schema.refuse("schema-newer")
    if (found < Limits.SCHEMA) schema.refuse("schema")
}

private fun frameIn(frames: Entry): Size {
    val sizes = frames.elements(1..Int.MAX_VALUE).map { it.wholes(2, FRAME_PX) }
    return sizes.first().let { (height, width) -> Size(height, width) }
}

private fun lesionsIn(list: Entry): List<Lesion> {
    val read = mutableListOf<Lesion>()
    for (lesion in list.elements(1..LESION_CODES.size)) {
        val code = lesion.child("code")
        val known = code.textOrNull()
        code.require(known in LESION_CODES && read.none { it.code == known })
        val name = lesion.child("name").name()
        val threshold = lesion.child("threshold").number(0.0..1.0)
        val (red, green, blue) = lesion.child("colour").wholes(3, LEVELS)
        read += Lesion(code.name(), name, threshold, Colour(red, green, blue))
    }
    return read
}

private fun checkInput(input: Entry, target: Target, frame: Size) {
    input.child("name").name()
    val channelsFirst = listOf(1, 3, frame.height, frame.width)
    val channelsLast = listOf(1, frame.height, frame.width, 3)
    input.child("shape").shape(if (target.channelsFirst) channelsFirst else channelsLast)
    input.child("dtype").equal("uint8")
    input.child("order").equal("RGB")
}

/** Checks the three outputs; returns the network's side. */
private fun sideIn(list: Entry, lesions: Int): Int {
    val (probabilities, crop, retina) = list.elements(3..3)
    val side = probabilities.output("probabilities") { shape ->
        val (batch, channels, height, width) = shape.wholes(4, 1..FRAME_PX.last)
        shape.require(batch == 1 && channels == lesions)
        shape.require(height == width && width % SIDE_STEP == 0)
        width
    }
    crop.output("crop") { it.shape(listOf(1, 4)) }
    retina.output("retina") { it.shape(listOf(1, 1)) }
    return side
}

private fun <T> Entry.output(name: String, read: (Entry) -> T): T {
    child("name").equal(name)
    val shape = read(child("shape"))
    child("dtype").equal("float32")
    return shape
}

private fun exporterIn(exporter: Entry): Map<String, String> =
    exporter.asObject().keys().associateWith { key -> exporter.child(key).text() }

private class Sum(val sha256: String, val bytes: Long)

/** What the artifact's file has to have; null where it is a folder. */
private fun sumIn(files: Entry, target: Target): Sum? {
    if (!target.isFile) return null
    val file = files.child(target.artifact).asObject()
    val sha256 = file.child("sha256")
    sha256.require(sha256.textOrNull()?.matches(SHA256) ?: false)
    return Sum(sha256.name(), file.child("bytes").whole(BYTES))
}
