package org.mobileseg.core

import org.junit.Assert.assertEquals
import org.junit.Test

class BenchPlanTest {
    private var calls = 0
    private val told = mutableListOf<Int>()

    @Test
    fun `warm-up is run and not counted`() {
        val found = measure(BenchPlan(warmup = 2, rounds = 4))
        assertEquals(listOf(3.0, 4.0, 5.0, 6.0), found)
        assertEquals(listOf(25, 50, 75, 100), told)
    }

    @Test
    fun `a sustained run goes on until enough time was measured`() {
        val found = measure(BenchPlan(warmup = 0, rounds = 2, leastMs = 10.0))
        assertEquals(listOf(1.0, 2.0, 3.0, 4.0), found)
        assertEquals(listOf(10, 30, 60, 100), told)
    }

    @Test
    fun `what was measured before a stop is kept`() {
        assertEquals(listOf(2.0), measure(BenchPlan(warmup = 1, rounds = 9)) { calls == 2 })
    }

    @Test
    fun `there are no more rounds than the desk takes`() {
        val found = BenchPlan(warmup = 0, rounds = 1, leastMs = 1e9).measure({ 1.0 }, { false }) {}
        assertEquals(BenchPlan.MOST_ROUNDS, found.size)
    }

    /** Round n takes n milliseconds. */
    private fun measure(plan: BenchPlan, stopped: () -> Boolean = { false }) =
        plan.measure({ (++calls).toDouble() }, stopped, { told += it })
}
