package org.mobileseg.demo

import android.content.res.Resources
import org.mobileseg.core.Limits
import org.mobileseg.core.ManifestProblem
import org.mobileseg.core.Target

/** A text to show, not yet in a language: the phone's may change while the app lives. */
class Message(private val text: Int, private vararg val places: Any) {
    fun inWords(resources: Resources): String = resources.getString(text, *places)
}

/** Why something could not be done, in words for the person who asked for it. */
class Problem(val told: Message, cause: Throwable? = null) : Exception(cause)

/** What a refused manifest is called; the codes are those of all apps. */
fun messageOf(problem: ManifestProblem): Message = when (problem.code) {
    "not-json" -> Message(R.string.error_not_json)
    "schema" -> Message(R.string.error_schema, problem.found, Limits.SCHEMA)
    "schema-newer" -> Message(R.string.error_schema_newer, problem.found, Limits.SCHEMA)
    "target" -> Message(R.string.error_target, problem.found, Target.EXECUTORCH.word)
    "runtime" -> Message(R.string.error_runtime, problem.found, BuildConfig.EXECUTORCH)
    else -> Message(R.string.error_entry, problem.entry)
}
