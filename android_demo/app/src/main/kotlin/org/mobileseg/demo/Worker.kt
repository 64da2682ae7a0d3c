package org.mobileseg.demo

import android.os.Handler
import android.os.Looper
import java.util.concurrent.Executors

/**
 * The one thread on which the model is loaded and run, and pictures are read and drawn: ExecuTorch
 * answers one call at a time. Results come back to the main thread.
 */
class Worker {
    private val thread = Executors.newSingleThreadExecutor { Thread(it, "model") }
    private val main = Handler(Looper.getMainLooper())

    /** @param done told on the main thread: what [task] gave, or why it gave nothing. */
    fun <T> run(task: () -> T, done: (Outcome<T>) -> Unit) {
        thread.execute {
            val outcome = outcomeOf(task)
            main.post { done(outcome) }
        }
    }

    /** From within a task: something to be done on the main thread meanwhile. */
    fun tell(what: () -> Unit) {
        main.post { what() }
    }

    private fun <T> outcomeOf(task: () -> T): Outcome<T> = try {
        Outcome.Done(task())
    } catch (problem: Problem) {
        Outcome.Failed(problem.told)
    } catch (_: OutOfMemoryError) {
        Outcome.Failed(Message(R.string.error_memory))
    }
}

sealed class Outcome<out T> {
    class Done<T>(val value: T) : Outcome<T>()

    class Failed(val told: Message) : Outcome<Nothing>()
}
