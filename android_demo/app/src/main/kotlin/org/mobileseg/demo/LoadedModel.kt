package org.mobileseg.demo

import org.mobileseg.core.Answer
import org.mobileseg.core.Frame
import org.mobileseg.core.Manifest
import org.mobileseg.core.ModelRunner
import org.mobileseg.core.Prediction

/** A value and how long it took to make. */
class Timed<T>(val value: T, val ms: Double)

fun <T> timed(make: () -> T): Timed<T> {
    val start = System.nanoTime()
    val value = make()
    return Timed(value, (System.nanoTime() - start) / NANOSECONDS_A_MS)
}

private const val NANOSECONDS_A_MS = 1e6

/** The model of this app, ready to run. */
class LoadedModel(val manifest: Manifest, private val runner: ModelRunner, val loadMs: Double) {
    /** @throws Problem the runtime refuses the frame. */
    fun run(frame: Frame): Timed<Answer> = told { timed { runner.run(frame) } }

    /**
     * What was found, with the time of the model alone.
     *
     * @throws Problem the runtime refuses the frame, or the answer is not what the manifest says.
     */
    fun predict(frame: Frame): Timed<Prediction> {
        val answer = run(frame)
        return Timed(told { Prediction(frame, answer.value, manifest) }, answer.ms)
    }

    companion object {
        /** @throws Problem there is no model here, or it does not load. */
        fun from(store: ModelStore): LoadedModel {
            val manifest = store.manifest()
            val file = store.file(manifest)
            val loaded = told { timed { ExecuTorchRunner(file.path, manifest) } }
            return LoadedModel(manifest, loaded.value, loaded.ms)
        }

        /** ExecuTorch throws unchecked exceptions, and an error where its library is not there. */
        private fun <T> told(use: () -> T): T = try {
            use()
        } catch (error: RuntimeException) {
            throw Problem(Message(R.string.error_model, error.message.orEmpty()), error)
        } catch (error: LinkageError) {
            throw Problem(Message(R.string.error_model, error.message.orEmpty()), error)
        }
    }
}
