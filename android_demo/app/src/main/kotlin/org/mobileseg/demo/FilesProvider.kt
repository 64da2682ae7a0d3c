package org.mobileseg.demo

import android.content.ContentProvider
import android.content.ContentValues
import android.content.Context
import android.database.Cursor
import android.database.MatrixCursor
import android.net.Uri
import android.os.ParcelFileDescriptor
import android.provider.OpenableColumns
import java.io.File
import java.io.FileNotFoundException

/**
 * Two files that other apps may be handed, each by a right that goes with one intent: where the
 * camera's app puts its photo, and the benchmark's result. Any other path is unknown here.
 */
class FilesProvider : ContentProvider() {
    override fun onCreate() = true

    override fun openFile(uri: Uri, mode: String): ParcelFileDescriptor {
        val shared = sharedAt(uri) ?: throw FileNotFoundException("$uri is not shared")
        if (mode != "r" && !shared.writable) throw SecurityException("$uri is read only")
        return ParcelFileDescriptor.open(shared.file(owner()), ParcelFileDescriptor.parseMode(mode))
    }

    override fun getType(uri: Uri): String? = sharedAt(uri)?.type

    override fun query(
        uri: Uri,
        projection: Array<out String>?,
        selection: String?,
        selectionArgs: Array<out String>?,
        sortOrder: String?,
    ): Cursor? {
        val shared = sharedAt(uri) ?: return null
        val columns = arrayOf(OpenableColumns.DISPLAY_NAME, OpenableColumns.SIZE)
        return MatrixCursor(columns).apply {
            addRow(arrayOf<Any>(shared.fileName, shared.file(owner()).length()))
        }
    }

    override fun insert(uri: Uri, values: ContentValues?): Uri? = null

    override fun update(
        uri: Uri,
        values: ContentValues?,
        selection: String?,
        selectionArgs: Array<out String>?,
    ) = 0

    override fun delete(uri: Uri, selection: String?, selectionArgs: Array<out String>?) = 0

    private fun owner(): Context = context ?: throw IllegalStateException("not attached yet")

    private fun sharedAt(uri: Uri) = Shared.values().find { "/${it.fileName}" == uri.path }
}

enum class Shared(val fileName: String, val type: String, val writable: Boolean) {
    CAPTURE("capture.jpg", "image/jpeg", writable = true),
    BENCH("mobileseg-bench.json", "application/json", writable = false);

    fun file(context: Context) = File(context.noBackupFilesDir, fileName)

    fun uri(context: Context): Uri =
        Uri.parse("content://${context.packageName}.files/$fileName")
}
