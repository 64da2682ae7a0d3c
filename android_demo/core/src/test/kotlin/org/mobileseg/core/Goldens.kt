package org.mobileseg.core

import org.json.JSONArray
import org.json.JSONObject
import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder

/** What the Python package wrote and every app must repeat: `tests/goldens`. */
object Goldens {
    private val folder = File(
        System.getProperty("goldens") ?: error("-Dgoldens=DIR is missing: DIR is tests/goldens"),
    )
    val index: JSONObject = json("index.json")
    val constants: JSONObject = index.getJSONObject("constants")

    fun names(key: String): List<String> = index.getJSONArray(key).map { it as String }

    fun objects(key: String): List<JSONObject> = index.getJSONArray(key).map { it as JSONObject }

    fun json(path: String): JSONObject = JSONObject(text(path))

    fun text(path: String): String = file(path).readText()

    fun bytes(path: String): ByteArray = file(path).readBytes()

    fun floats(path: String): FloatArray {
        val values = ByteBuffer.wrap(bytes(path)).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer()
        return FloatArray(values.remaining()).also { values.get(it) }
    }

    private fun file(path: String): File = folder.resolve(path)
        .also { check(it.isFile) { "$it is missing: run mobileseg goldens" } }
}

fun <T> JSONArray.map(transform: (Any) -> T): List<T> = List(length()) { transform(get(it)) }

fun JSONObject.size(key: String): Size =
    getJSONArray(key).map { (it as Number).toInt() }.let { (height, width) -> Size(height, width) }

fun JSONObject.colour(key: String): Colour = getJSONArray(key).map { (it as Number).toInt() }
    .let { (red, green, blue) -> Colour(red, green, blue) }

fun JSONObject.objects(key: String): List<JSONObject> =
    getJSONArray(key).map { it as JSONObject }

/** A photo whose pixels stand in memory, handed over in pieces that fit no row. */
class StoredPhoto(
    override val stored: Size,
    override val orientation: Orientation,
    private val rgb: ByteArray,
    private val piece: Int,
) : Photo {
    override fun read(taker: (IntArray, Int) -> Unit) {
        val pixels = Picture(stored, rgb).argb()
        for (from in pixels.indices step piece) {
            val to = minOf(from + piece, pixels.size)
            taker(pixels.copyOfRange(from, to), to - from)
        }
    }
}
