package org.mobileseg.core

import org.json.JSONException
import org.json.JSONObject

/** That have names here, and all that schema 2 knows. */
val LESION_CODES = listOf("MA", "HE", "EX", "SE")
private val CODE = Regex("[A-Z][A-Z0-9]{0,7}")
private const val MOST_LESIONS = 16
private const val LARGEST_CONSTANT = 100.0 // of a calibration
private val LEVELS = 0..255
private val FRAME_PX = 32..4096 // whole-number sums inside the graph are exact up to there
private const val SIDE_STEP = 32 // the networks halve their input five times
private val BYTES = 1L..(1L shl 40)
private val SHA256 = Regex("[0-9a-f]{64}")

/**
 * A text, or what some writers put for a number that is none, or one that org.json refuses because
 * no double holds it; in one go, without a deep stack.
 */
private val NO_NUMBER = Regex(
    "\"(?:[^\"\\\\]++|\\\\.)*+\"|-?(?:NaN|Infinity)|-?[0-9.]+[eE][+]?[0-9]{3,}",
)

/**
 * The manifest in a text. The first entry that is not as it must be ends it, and every app checks
 * in this order. Of a text that is JSON but for a bare NaN or Infinity, it is the entry that this
 * stands in.
 *
 * @throws ManifestProblem not JSON, of another schema or target, or an entry at fault.
 */
fun readManifest(text: String, target: Target): Manifest {
    objectIn(text)?.let { return manifestIn(Entry(it, ""), target) }
    val quoted = NO_NUMBER.replace(text) { found ->
        found.value.let { if (it.startsWith('"')) it else "\"$it\"" }
    }
    objectIn(quoted)?.let { manifestIn(Entry(it, ""), target) }
    throw ManifestProblem("not-json", "", text.take(FIRST_CHARACTERS))
}

private fun manifestIn(root: Entry, target: Target): Manifest {
    val newest = isNewest(root.child("schema"))
    root.child("target").let { if (it.textOrNull() != target.word) it.refuse("target") }
    val mobileseg = root.child("mobileseg").name()
    val precision = root.child("precision").name()
    val variant = root.child("variant").name()
    val task = root.child("task").name()
    root.child("artifact").equal(target.artifact)
    root.child("graph").absentOr("whole")
    root.child(if (newest) "head" else "answer").absentOr("probabilities")
    val frame = frameIn(root.child("frames"))
    val lesions = lesionsIn(root.child("lesions"), newest)
    checkInput(root.child("input"), target, frame)
    val quality = if (newest) qualityIn(root.child("quality")) else null
    val side = sideIn(root.child("outputs"), lesions.size, quality)
    val exporter = exporterIn(root.child("exporter"))
    val sum = sumIn(root.child("files").asObject(), target)
    val name = root.firstMember() ?: variant
    return Manifest(
        target.word, precision, variant, task, mobileseg, target.artifact, name, frame, side,
        lesions, quality, exporter, sum?.sha256, sum?.bytes,
    )
}

/** Null: it is none. */
private fun objectIn(text: String): JSONObject? {
    if (isStrictJson(text)) {
        try {
            return JSONObject(text)
        } catch (ignored: JSONException) {
            // a list, or a word: told below
        } catch (ignored: StackOverflowError) {
            // org.json reads lists in lists by recursion: a tower of them is no manifest
        }
    }
    return null
}

private const val FIRST_CHARACTERS = 40 // of a text that is shown in an error

private fun isNewest(schema: Entry): Boolean {
    val found = schema.wholeOrNull() ?: schema.refuse("schema")
    if (found > Limits.SCHEMA) schema.refuse("schema-newer")
    if (found < Limits.OLDEST_SCHEMA) schema.refuse("schema")
    return found == Limits.SCHEMA.toDouble()
}

private fun frameIn(frames: Entry): Size {
    val sizes = frames.elements(1..Int.MAX_VALUE).map { it.wholes(2, FRAME_PX) }
    return sizes.first().let { (height, width) -> Size(height, width) }
}

private fun lesionsIn(list: Entry, newest: Boolean): List<Lesion> {
    val read = mutableListOf<Lesion>()
    for (lesion in list.elements(1..(if (newest) MOST_LESIONS else LESION_CODES.size))) {
        val code = lesion.child("code").let { entry -> codeIn(entry, newest, read.map { it.code }) }
        val names = if (newest) namesIn(lesion) else mapOf(ENGLISH to lesion.child("name").name())
        val threshold = lesion.child("threshold").number(0.0..1.0)
        val (red, green, blue) = lesion.child("colour").wholes(3, LEVELS)
        val calibration = if (newest) calibrationIn(lesion.child("calibration")) else null
        read += Lesion(code, names, threshold, Colour(red, green, blue), calibration)
    }
    return read
}

private fun codeIn(entry: Entry, newest: Boolean, before: List<String>): String {
    val code = entry.textOrNull() ?: entry.refuse()
    val known = if (newest) CODE.matches(code) else code in LESION_CODES
    entry.require(known && code !in before)
    return code
}

/** By language; English is always there. */
private fun namesIn(lesion: Entry): Map<String, String> {
    val names = lesion.asObject().child("names").asObject()
    names.child(ENGLISH).name()
    return names.keys().associateWith { names.child(it).name() }
}

private const val ENGLISH = "en"

private fun calibrationIn(entry: Entry): Calibration? {
    val constants = entry.orNull()?.asObject() ?: return null
    val a = constants.child("a").let { one ->
        one.number(0.0..LARGEST_CONSTANT).also { one.require(it > 0) }
    }
    return Calibration(a, constants.child("b").number(-LARGEST_CONSTANT..LARGEST_CONSTANT))
}

private fun checkInput(input: Entry, target: Target, frame: Size) {
    input.child("name").name()
    val channelsFirst = listOf(1, 3, frame.height, frame.width)
    val channelsLast = listOf(1, frame.height, frame.width, 3)
    input.child("shape").shape(if (target.channelsFirst) channelsFirst else channelsLast)
    input.child("dtype").equal("uint8")
    input.child("order").equal("RGB")
}

/** Checks the three outputs, and the fourth where there is quality; returns the network's side. */
private fun sideIn(list: Entry, lesions: Int, quality: QualitySpec?): Int {
    val count = if (quality == null) 3 else 4
    val outputs = list.elements(count..count)
    val (probabilities, crop, retina) = outputs
    val side = probabilities.output("probabilities") { shape ->
        val (batch, channels, height, width) = shape.wholes(4, 1..FRAME_PX.last)
        shape.require(batch == 1 && channels == lesions)
        shape.require(height == width && width % SIDE_STEP == 0)
        width
    }
    crop.output("crop") { it.shape(listOf(1, 4)) }
    retina.output("retina") { it.shape(listOf(1, 1)) }
    if (quality != null) {
        outputs[3].output("quality") { it.shape(listOf(1, lesions + quality.values.size)) }
    }
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
