package org.mobileseg.core

/**
 * How long a benchmark measures.
 *
 * @property warmup rounds that are not counted: the first ones page the model in.
 * @property rounds that are counted, at the least.
 * @property leastMs go on until so much time was measured: what a warm phone keeps up.
 */
data class BenchPlan(val warmup: Int, val rounds: Int, val leastMs: Double = 0.0) {
    /**
     * The counted rounds' milliseconds; as many as there were when [stopped].
     *
     * @param round runs the model once, gives its milliseconds.
     * @param progress told how much is done, in hundredths.
     */
    fun measure(
        round: () -> Double,
        stopped: () -> Boolean,
        progress: (Int) -> Unit,
    ): List<Double> {
        repeat(warmup) { if (!stopped()) round() }
        val found = mutableListOf<Double>()
        var spent = 0.0
        while (!stopped() && found.size < MOST_ROUNDS && (found.size < rounds || spent < leastMs)) {
            val ms = round()
            found += ms
            spent += ms
            progress(done(found.size, spent))
        }
        return found
    }

    private fun done(rounds: Int, spent: Double): Int {
        val counted = rounds.toDouble() / this.rounds
        val timed = if (leastMs > 0) spent / leastMs else 1.0
        return (100 * minOf(counted, timed)).toInt().coerceAtMost(100)
    }

    companion object {
        const val MOST_ROUNDS = 10_000 // that mobileseg bench --import takes
        const val SUSTAINED_MINUTES = 10 // phones slow down after two to five
        val SHORT = BenchPlan(warmup = 5, rounds = 50)
        val SUSTAINED = BenchPlan(warmup = 5, rounds = 50, leastMs = SUSTAINED_MINUTES * 60_000.0)
    }
}
