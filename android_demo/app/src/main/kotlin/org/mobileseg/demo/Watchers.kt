package org.mobileseg.demo

/**
 * The screens that are to be told of a change, on the main thread. By their owner: a screen that
 * comes starts before the one that goes has stopped.
 */
class Watchers {
    private val told = linkedMapOf<Any, () -> Unit>()

    fun add(owner: Any, act: () -> Unit) {
        told[owner] = act
    }

    fun remove(owner: Any) {
        told.remove(owner)
    }

    operator fun invoke() = told.values.toList().forEach { it() }
}
