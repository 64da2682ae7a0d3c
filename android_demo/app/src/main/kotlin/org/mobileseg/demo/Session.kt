package org.mobileseg.demo

import android.content.Context
import android.graphics.Bitmap
import android.net.Uri
import org.mobileseg.core.Limits
import org.mobileseg.core.Prediction
import org.mobileseg.core.frameOf

/** What the app has of a photo. */
sealed class Stage {
    object Empty : Stage()

    class Working : Stage() // one for each photo

    class Shown(val photo: String, val prediction: Prediction, val modelMs: Double) : Stage()

    class Failed(val told: Message) : Stage()
}

/** One person's use of the app. Called on the main thread alone; the worker does the work. */
class Session(private val context: Context) {
    val changed = Watchers()
    private val worker = Worker()
    private val photos = PhotoStore(context)
    private val ready by lazy { LoadedModel.from(ModelStore(context)) } // on the worker's thread

    /** Null until it was tried: loading. */
    var model: Outcome<LoadedModel>? = null
        private set
    var stage: Stage = Stage.Empty
        private set
    var drawn: Bitmap? = null
        private set
    val bench = BenchSession(context, worker, changed) { ready }

    var hidden: Set<String> = emptySet() // lesions that are switched off, by their code
        private set
    var opacity: Int = Limits.OPACITY
        private set

    /** An unusable picture's lesions are told after a deliberate step, which is this picture's. */
    val told: Boolean
        get() = (stage as? Stage.Shown)?.let { it.prediction.usable || it === asked } ?: false
    private var asked: Stage.Shown? = null

    /** What the photo that is looked at is called, or null: what is to be seen again later. */
    val photo: String?
        get() = when (val stage = stage) {
            is Stage.Shown -> stage.photo
            is Stage.Working -> context.getString(R.string.photo)
            is Stage.Empty, is Stage.Failed -> null
        }

    @Volatile private var wanted: Choice? = null

    init {
        worker.run({ ready }) { outcome ->
            model = outcome
            changed()
        }
    }

    fun open(uri: Uri) = look { photos.copy(uri) }

    /** The photo that the camera's app has just put where this one can read it. */
    fun openCapture() = look {
        try {
            photos.copy(Shared.CAPTURE.uri(context), context.getString(R.string.photo))
        } finally {
            Shared.CAPTURE.file(context).delete()
        }
    }

    /** The photo of before the process was ended, with what was chosen for it. */
    fun resume(name: String, hidden: Set<String>, opacity: Int) {
        this.hidden = hidden
        this.opacity = opacity
        look { photos.last(name) ?: throw PhotoStore.unreadable(name, null) }
    }

    /** The person is done: the photo's copy goes. */
    fun end() {
        stage = Stage.Empty
        drawn = null
        worker.run(photos::forget) {}
    }

    fun show(code: String, shown: Boolean) {
        hidden = if (shown) hidden - code else hidden + code
        draw()
    }

    /** The deliberate step. */
    fun tell() {
        asked = stage as? Stage.Shown
        changed()
        draw()
    }

    fun fade(opacity: Int) {
        this.opacity = opacity
        draw()
    }

    private fun look(photo: () -> PhotoCopy) {
        val working = Stage.Working()
        stage = working
        drawn = null
        changed()
        worker.run({ shown(photo()) }) { outcome ->
            if (stage !== working) return@run // another photo was opened meanwhile
            stage = when (outcome) {
                is Outcome.Done -> outcome.value
                is Outcome.Failed -> Stage.Failed(outcome.told)
            }
            changed()
            draw()
        }
    }

    /** On the worker's thread. */
    private fun shown(copy: PhotoCopy): Stage.Shown {
        val frame = frameOf(StoredPhoto(copy), ready.manifest.frame)
        val found = ready.predict(frame)
        return Stage.Shown(copy.name, found.value, found.ms)
    }

    private class Choice(val shown: Set<String>, val opacity: Int)

    private fun draw() {
        val seen = stage as? Stage.Shown ?: return
        val codes = seen.prediction.lesions.map { it.code }.toSet()
        val shown = if (told) codes - hidden else emptySet()
        val choice = Choice(shown, opacity).also { wanted = it }
        worker.run({ if (choice === wanted) bitmapOf(seen, choice) else null }) { outcome ->
            if (stage !== seen || outcome !is Outcome.Done) return@run
            outcome.value?.let { drawn = it } // null: a finger on the slider was faster
            changed()
        }
    }

    private fun bitmapOf(seen: Stage.Shown, choice: Choice): Bitmap {
        val picture = seen.prediction.overlay(choice.shown, choice.opacity)
        val (height, width) = picture.size
        return Bitmap.createBitmap(picture.argb(), width, height, Bitmap.Config.ARGB_8888)
    }
}
