package org.mobileseg.demo

import android.view.View
import android.view.ViewGroup
import android.widget.Button
import android.widget.SeekBar
import android.widget.TextView

/** The main screen's views, and what of a session they show. */
class MainScreen(private val root: View, private val session: Session) {
    private val resources = root.resources
    private val numbers = Numbers(resources)
    private val picture = root.findViewById<ZoomView>(R.id.picture)
    private val status = root.findViewById<TextView>(R.id.status)
    private val warning = root.findViewById<TextView>(R.id.warning)
    private val lesions = root.findViewById<ViewGroup>(R.id.lesions)
    private val opacity = root.findViewById<SeekBar>(R.id.opacity)
    private var listed: Stage.Shown? = null
    private var toldOf: Stage.Shown? = null

    init {
        onClick(R.id.zoom_in) { picture.zoomIn() }
        onClick(R.id.zoom_out) { picture.zoomOut() }
        onClick(R.id.zoom_fit) { picture.zoomFit() }
        onClick(R.id.show_counts) { session.tell() }
        opacity.isSaveEnabled = false // the session keeps it
        opacity.setOnSeekBarChangeListener(Fader())
    }

    fun render() {
        val stage = session.stage
        renderModel()
        renderWorking(stage is Stage.Working || session.model == null)
        renderStatus(stage)
        val shown = stage as? Stage.Shown
        renderResult(shown)
        picture.show(session.drawn)
        setSeen(R.id.zoom, session.drawn != null)
        setSeen(R.id.result, shown != null)
    }

    fun tell(message: Message) = write(status, message.inWords(resources))

    private fun renderModel() {
        val line = when (val model = session.model) {
            null -> resources.getString(R.string.loading_model)
            is Outcome.Done -> numbers.modelLine(model.value.manifest)
            is Outcome.Failed -> model.told.inWords(resources)
        }
        write(root.findViewById(R.id.model), "${resources.getString(R.string.model)}: $line")
    }

    private fun renderWorking(working: Boolean) {
        // Invisible, not gone: what stands below would jump.
        root.findViewById<View>(R.id.working).visibility =
            if (working) View.VISIBLE else View.INVISIBLE
    }

    private fun renderStatus(stage: Stage) = when (stage) {
        is Stage.Empty -> tell(invitation())
        is Stage.Working -> tell(Message(R.string.working))
        is Stage.Failed -> tell(stage.told)
        is Stage.Shown -> {
            tell(Message(R.string.done, numbers.ms(stage.modelMs)))
            status.contentDescription = aloud(stage)
        }
    }

    private fun invitation(): Message {
        val failed = session.model as? Outcome.Failed
        return failed?.told ?: Message(R.string.invitation)
    }

    /** What a person who sees the rows and their colours reads there. */
    private fun aloud(stage: Stage.Shown): String {
        val prediction = stage.prediction
        val said = prediction.said.map { numbers.sentence(it).removeSuffix(".") }
        val quality = listOfNotNull(prediction.quality?.let(numbers::qualitySpoken))
        val findings = prediction.lesions.zip(prediction.findings)
            .map { (lesion, finding) -> numbers.sentence(lesion, finding) }
            .takeIf { session.told }.orEmpty()
        return (said + listOf(status.text) + quality + findings).joinToString(". ")
    }

    private fun renderResult(shown: Stage.Shown?) {
        if (shown !== listed) renderPhoto(shown)
        val told = if (session.told) shown else null
        if (told !== toldOf) renderLesions(told)
        setSeen(R.id.counts, told != null)
        setSeen(R.id.show_counts, shown != null && told == null)
        renderOpacity()
    }

    /** What is said of it, before any figure. */
    private fun renderPhoto(shown: Stage.Shown?) {
        listed = shown
        val said = shown?.prediction?.said.orEmpty()
        write(warning, said.joinToString("\n", transform = numbers::sentence))
        setSeen(R.id.warning, said.isNotEmpty())
        val quality = shown?.prediction?.quality
        val share = quality?.let { "${resources.getString(R.string.quality)}: ${numbers.quality(it)}" }
        write(root.findViewById(R.id.quality), share.orEmpty())
        setSeen(R.id.quality, quality != null)
        if (shown == null) return
        val took = resources.getString(R.string.milliseconds, numbers.ms(shown.modelMs))
        write(root.findViewById(R.id.latency), "${resources.getString(R.string.latency)}: $took")
        opacity.progress = session.opacity
    }

    private fun renderLesions(told: Stage.Shown?) {
        toldOf = told
        lesions.removeAllViews()
        val found = told?.prediction ?: return
        found.lesions.zip(found.findings).forEach { (lesion, finding) ->
            LesionRow(lesions, lesion, finding, session)
        }
    }

    private fun renderOpacity() {
        val share = numbers.percent(session.opacity / opacity.max.toDouble())
        write(
            root.findViewById(R.id.opacity_label),
            "${resources.getString(R.string.opacity)}: $share",
        )
    }

    /** Only what is new: a text that is set again is read aloud again. */
    private fun write(view: TextView, text: String) {
        if (view.text.toString() == text) return
        view.contentDescription = null
        view.text = text
    }

    private fun setSeen(id: Int, seen: Boolean) {
        root.findViewById<View>(id).visibility = if (seen) View.VISIBLE else View.GONE
    }

    private fun onClick(id: Int, act: () -> Unit) =
        root.findViewById<Button>(id).setOnClickListener { act() }

    private inner class Fader : SeekBar.OnSeekBarChangeListener {
        override fun onProgressChanged(bar: SeekBar, progress: Int, byPerson: Boolean) {
            if (byPerson) session.fade(progress)
        }

        override fun onStartTrackingTouch(bar: SeekBar) = Unit

        override fun onStopTrackingTouch(bar: SeekBar) = Unit
    }
}
