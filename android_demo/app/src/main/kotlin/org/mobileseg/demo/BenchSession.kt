package org.mobileseg.demo

import android.content.Context
import org.mobileseg.core.BenchPlan
import org.mobileseg.core.BenchRecord
import org.mobileseg.core.benchFrame
import java.io.IOException
import java.time.OffsetDateTime
import java.time.ZoneOffset

/** A benchmark and what came of it; goes on while the phone is turned. On the main thread alone. */
class BenchSession(
    private val context: Context,
    private val worker: Worker,
    private val changed: Watchers,
    private val model: () -> LoadedModel,
) {
    var running = false
        private set
    var percent = 0
        private set
    var record: BenchRecord? = null
        private set
    var problem: Message? = null
        private set

    @Volatile private var stopped = false

    fun start(plan: BenchPlan) {
        if (running) return
        running = true
        stopped = false
        percent = 0
        record = null
        problem = null
        changed()
        worker.run({ measured(plan) }) { outcome ->
            running = false
            when (outcome) {
                is Outcome.Done -> record = outcome.value
                is Outcome.Failed -> problem = outcome.told
            }
            changed()
        }
    }

    fun stop() {
        stopped = true
    }

    /** On the worker's thread; null where it was stopped before there was enough to tell. */
    private fun measured(plan: BenchPlan): BenchRecord? {
        val loaded = model()
        val frame = benchFrame(loaded.manifest.frame)
        val state = DeviceState(context)
        val rounds = plan.measure({ loaded.run(frame).ms }, { stopped }, ::tell)
        if (rounds.size < BenchRecord.LEAST_ROUNDS) return null
        val record = BenchRecord(
            date = OffsetDateTime.now(ZoneOffset.UTC),
            device = thisDevice(),
            loadMs = loaded.loadMs,
            warmup = plan.warmup,
            roundsMs = rounds,
            batterySaver = state.batterySaver(),
            thermal = state.thermal(), // at the end: what the rounds made of the phone
        )
        write(record.toJson(loaded.manifest))
        return record
    }

    private fun write(json: String) = try {
        Shared.BENCH.file(context).writeText(json)
    } catch (error: IOException) {
        throw Problem(Message(R.string.error), error)
    }

    private fun tell(done: Int) = worker.tell {
        percent = done
        changed()
    }
}
