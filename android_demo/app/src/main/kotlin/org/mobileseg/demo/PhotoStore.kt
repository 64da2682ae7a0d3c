package org.mobileseg.demo

import android.content.Context
import android.database.Cursor
import android.net.Uri
import android.provider.OpenableColumns
import org.mobileseg.core.Limits
import java.io.File
import java.io.IOException
import java.io.InputStream
import kotlin.math.ceil

/** The app's own copy of a photo, and what its owner calls it. */
class PhotoCopy(val file: File, val name: String)

/**
 * Keeps one photo: the app's right to read a picked one may end with the process, and the app must
 * show it again after that. No backup takes it off the phone.
 */
class PhotoStore(private val context: Context) {
    private val kept = File(context.noBackupFilesDir, "photo")

    /** The photo that was looked at before, if there is one. */
    fun last(name: String): PhotoCopy? = if (kept.isFile) PhotoCopy(kept, name) else null

    fun forget() {
        kept.delete()
    }

    /**
     * @param calls what to call it; null: as its owner does.
     * @throws Problem it cannot be read, or is larger than the app takes.
     */
    fun copy(from: Uri, calls: String? = null): PhotoCopy {
        val said = said(from)
        val name = calls ?: said.name ?: context.getString(R.string.photo)
        refuseLarge(name, said.bytes)
        val part = File(kept.path + ".part")
        try {
            open(from).use { input -> copy(name, input, part) }
            if (part.renameTo(kept)) return PhotoCopy(kept, name)
            throw IOException("$part cannot be renamed")
        } catch (error: IOException) {
            throw unreadable(name, error)
        } catch (error: SecurityException) { // whoever offered it takes the right back
            throw unreadable(name, error)
        } finally {
            part.delete() // no piece of a photo stays
        }
    }

    private fun open(from: Uri): InputStream =
        context.contentResolver.openInputStream(from) ?: throw IOException("nothing at $from")

    private fun copy(name: String, input: InputStream, to: File) {
        to.outputStream().use { output ->
            val buffer = ByteArray(1 shl 16)
            var bytes = 0L
            while (true) {
                val count = input.read(buffer)
                if (count < 0) break
                bytes += count
                refuseLarge(name, bytes) // again: what a provider says of a size need not be so
                output.write(buffer, 0, count)
            }
        }
    }

    private fun refuseLarge(name: String, bytes: Long) {
        if (bytes <= Limits.MOST_FILE_BYTES) return
        val found = ceil(bytes / BYTES_A_MB).toInt()
        val most = (Limits.MOST_FILE_BYTES / BYTES_A_MB).toInt()
        throw Problem(Message(R.string.error_file_large, name, found, most))
    }

    private class Said(val name: String?, val bytes: Long)

    private fun said(uri: Uri): Said {
        val columns = arrayOf(OpenableColumns.DISPLAY_NAME, OpenableColumns.SIZE)
        val cursor = context.contentResolver.query(uri, columns, null, null, null)
        return cursor?.use(::firstRow) ?: Said(null, 0)
    }

    private fun firstRow(rows: Cursor): Said? {
        if (!rows.moveToFirst()) return null
        val name = rows.getColumnIndex(OpenableColumns.DISPLAY_NAME)
        val size = rows.getColumnIndex(OpenableColumns.SIZE)
        return Said(
            if (name < 0) null else rows.getString(name),
            if (size < 0) 0 else rows.getLong(size), // 0 where it is null: unknown
        )
    }

    companion object {
        private const val BYTES_A_MB = 1e6

        fun unreadable(name: String, cause: Throwable?) =
            Problem(Message(R.string.error_photo_unreadable, name), cause)
    }
}
