package org.mobileseg.demo

import android.app.Instrumentation
import androidx.test.platform.app.InstrumentationRegistry
import org.json.JSONArray
import org.json.JSONObject
import org.mobileseg.core.Size
import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder

/** Goldens that `mobileseg bundle-apps` put into this test's own app. */
object Assets {
    private val instrumentation: Instrumentation = InstrumentationRegistry.getInstrumentation()
    val app = instrumentation.targetContext
    private val assets = instrumentation.context.assets

    fun bytes(path: String): ByteArray = assets.open(path).use { it.readBytes() }

    fun json(path: String) = JSONObject(bytes(path).toString(Charsets.UTF_8))

    fun floats(path: String): FloatArray {
        val values = ByteBuffer.wrap(bytes(path)).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer()
        return FloatArray(values.remaining()).also { values.get(it) }
    }

    /** A copy with a path: decoders and ExecuTorch need one. */
    fun file(path: String): File =
        File(app.noBackupFilesDir, "test-${path.substringAfterLast('/')}")
            .apply { writeBytes(bytes(path)) }

    fun names(folder: String): List<String> = assets.list(folder).orEmpty().toList()
}

fun JSONArray.wholes(): List<Int> = List(length()) { getInt(it) }

fun JSONArray.numbers(): FloatArray = FloatArray(length()) { getDouble(it).toFloat() }

fun JSONObject.size(key: String): Size =
    getJSONArray(key).wholes().let { (height, width) -> Size(height, width) }
