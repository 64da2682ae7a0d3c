package org.mobileseg.demo

import android.app.Activity
import android.content.Intent
import android.os.Bundle
import android.widget.Button
import android.widget.CheckBox
import android.widget.TextView
import org.mobileseg.core.BenchPlan
import org.mobileseg.core.BenchRecord

/** Times the model on this phone, and shares the file that `mobileseg bench --import` takes. */
class BenchActivity : Activity() {
    private lateinit var numbers: Numbers
    private lateinit var sustained: CheckBox

    override fun onCreate(state: Bundle?) {
        super.onCreate(state)
        setContentView(R.layout.activity_bench)
        numbers = Numbers(resources)
        sustained = findViewById(R.id.sustained)
        sustained.text =
            getString(R.string.benchmark_sustained, BenchPlan.SUSTAINED_MINUTES.toString())
        button(R.id.start).setOnClickListener { session.bench.start(plan()) }
        button(R.id.stop).setOnClickListener { session.bench.stop() }
        button(R.id.share).setOnClickListener { share() }
    }

    override fun onStart() {
        super.onStart()
        session.changed.add(this, ::render)
        render()
    }

    override fun onStop() {
        session.changed.remove(this)
        super.onStop()
    }

    override fun onDestroy() {
        if (isFinishing) session.bench.stop() // nobody waits for it any more
        super.onDestroy()
    }

    private fun plan() = if (sustained.isChecked) BenchPlan.SUSTAINED else BenchPlan.SHORT

    private fun render() {
        val bench = session.bench
        val model = session.model
        button(R.id.start).isEnabled = model is Outcome.Done && !bench.running
        button(R.id.stop).isEnabled = bench.running
        button(R.id.share).isEnabled = bench.record != null
        write(R.id.model, modelLine(model))
        write(R.id.progress, if (bench.running) progress(bench.percent) else "")
        val problem = bench.problem?.inWords(resources)
        write(R.id.outcome, problem ?: bench.record?.let(::result).orEmpty())
    }

    private fun modelLine(model: Outcome<LoadedModel>?): String = when (model) {
        null -> getString(R.string.loading_model)
        is Outcome.Done -> numbers.modelLine(model.value.manifest)
        is Outcome.Failed -> model.told.inWords(resources)
    }

    private fun progress(percent: Int): String = getString(
        R.string.benchmark_progress,
        numbers.percent(percent / 100.0),
        numbers.percent(1.0),
    )

    private fun result(record: BenchRecord): String = getString(
        R.string.benchmark_result,
        numbers.tenths(record.medianMs),
        numbers.tenths(record.p90Ms),
    )

    private fun share() {
        val send = Intent(Intent.ACTION_SEND)
            .setType(Shared.BENCH.type)
            .putExtra(Intent.EXTRA_STREAM, Shared.BENCH.uri(this))
            .addFlags(Intent.FLAG_GRANT_READ_URI_PERMISSION)
        startActivity(Intent.createChooser(send, getString(R.string.benchmark_share)))
    }

    private fun write(id: Int, text: String) {
        val view = findViewById<TextView>(id)
        if (view.text.toString() != text) view.text = text // set again, it is read aloud again
    }

    private fun button(id: Int): Button = findViewById(id)
}
