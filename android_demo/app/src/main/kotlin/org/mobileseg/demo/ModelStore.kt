package org.mobileseg.demo

import android.content.Context
import org.mobileseg.core.Manifest
import org.mobileseg.core.ManifestProblem
import org.mobileseg.core.Target
import org.mobileseg.core.readManifest
import org.mobileseg.core.refuseOtherRuntime
import java.io.File
import java.io.FileNotFoundException
import java.io.IOException
import java.io.InputStream
import java.io.OutputStream
import java.security.MessageDigest

/**
 * The model that was bundled with the app, as a real file: ExecuTorch maps it into memory, and an
 * asset has no path. A file is kept only as long as it is the one that the manifest describes, so
 * an app with another model copies anew.
 */
class ModelStore(private val context: Context) {
    /** @throws Problem there is no model, or it does not fit this app. */
    fun manifest(): Manifest {
        val text = asset(MANIFEST).use { it.readBytes().toString(Charsets.UTF_8) }
        try {
            val manifest = readManifest(text, Target.EXECUTORCH)
            refuseOtherRuntime(manifest.exporter, BuildConfig.EXECUTORCH)
            return manifest
        } catch (problem: ManifestProblem) {
            throw Problem(messageOf(problem), problem)
        }
    }

    /** @throws Problem the artifact is not the file that the manifest describes. */
    fun file(manifest: Manifest): File {
        val kept = File(context.noBackupFilesDir, manifest.artifact)
        if (kept.length() == manifest.bytes && sum(kept) == manifest.sha256) return kept
        val copy = File(kept.path + ".part") // renamed when whole: a kill leaves no half a model
        val found = try {
            copy.outputStream().use { out -> asset(manifest.artifact).use { sum(it, out) } }
        } catch (error: IOException) {
            throw Problem(Message(R.string.error_model, error.message.orEmpty()), error)
        }
        if (copy.length() != manifest.bytes || found != manifest.sha256 || !copy.renameTo(kept)) {
            copy.delete()
            throw Problem(Message(R.string.error_sum, manifest.artifact))
        }
        return kept
    }

    private fun asset(name: String): InputStream = try {
        context.assets.open("$FOLDER/$name")
    } catch (missing: FileNotFoundException) {
        throw Problem(Message(R.string.error_no_model), missing)
    }

    private fun sum(file: File): String = file.inputStream().use { sum(it, null) }

    private fun sum(from: InputStream, to: OutputStream?): String {
        val digest = MessageDigest.getInstance("SHA-256")
        val buffer = ByteArray(1 shl 16)
        while (true) {
            val count = from.read(buffer)
            if (count < 0) break
            digest.update(buffer, 0, count)
            to?.write(buffer, 0, count)
        }
        return digest.digest().joinToString("") { "%02x".format(it) }
    }

    private companion object {
        const val FOLDER = "model"
        const val MANIFEST = "model.json"
    }
}
