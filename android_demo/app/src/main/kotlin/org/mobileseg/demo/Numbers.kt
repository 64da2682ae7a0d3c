package org.mobileseg.demo

import android.content.res.Resources
import org.mobileseg.core.Finding
import org.mobileseg.core.Flag
import org.mobileseg.core.Lesion
import org.mobileseg.core.Manifest
import org.mobileseg.core.Percent
import org.mobileseg.core.PictureQuality
import java.text.NumberFormat
import java.util.Locale
import kotlin.math.roundToInt

/** Findings and numbers as a person reads them, in the language and the digits of the phone. */
class Numbers(private val resources: Resources) {
    private val locale: Locale = resources.configuration.locales[0]
    private val whole = NumberFormat.getIntegerInstance(locale)
    private val percent = Percent(locale)
    private val tenths = NumberFormat.getNumberInstance(locale).apply {
        minimumFractionDigits = 1
        maximumFractionDigits = 1
    }

    /** Its own in the phone's language, else ours for it, else its English one: as a line begins. */
    fun name(lesion: Lesion): String {
        val name = lesion.names[locale.language]
            ?: LESION_NAMES[lesion.code]?.let(resources::getString)
            ?: lesion.names.getValue("en")
        return name.replaceFirstChar { it.titlecase(locale) }
    }

    /** What is said of a picture before any figure. */
    fun sentence(flag: Flag): String = resources.getString(SENTENCES.getValue(flag))

    fun quality(quality: PictureQuality): String =
        resources.getString(R.string.quality_value, whole.format(quality.percent))

    fun qualitySpoken(quality: PictureQuality): String =
        resources.getString(R.string.quality_spoken, whole.format(quality.percent))

    fun count(finding: Finding): String = whole.format(finding.count)

    fun area(finding: Finding): String =
        if (percent.isBelow(finding)) resources.getString(R.string.area_below, percent.smallest)
        else resources.getString(R.string.area_value, percent.of(finding.basisPoints))

    /** All of a lesion in one sentence, to be read aloud. */
    fun sentence(lesion: Lesion, finding: Finding): String =
        resources.getString(R.string.finding, name(lesion), count(finding), area(finding))

    fun ms(value: Double): String = whole.format(value.roundToInt())

    fun tenths(value: Double): String = tenths.format(value)

    fun percent(share: Double): String =
        resources.getString(R.string.opacity_value, whole.format((share * 100).roundToInt()))

    fun modelLine(manifest: Manifest): String {
        val line = resources.getString(
            R.string.model_line,
            manifest.name,
            manifest.variant,
            manifest.precision,
            manifest.mobileseg,
        )
        val calibrated = manifest.lesions.any { it.calibration != null }
        return if (calibrated) "$line, ${resources.getString(R.string.calibrated)}" else line
    }

    private companion object {
        val LESION_NAMES = mapOf(
            "MA" to R.string.lesion_ma,
            "HE" to R.string.lesion_he,
            "EX" to R.string.lesion_ex,
            "SE" to R.string.lesion_se,
        )
        val SENTENCES = mapOf(
            Flag.NO_RETINA to R.string.flag_no_retina,
            Flag.NOT_FUNDUS to R.string.flag_not_fundus,
            Flag.TOO_DARK to R.string.flag_too_dark,
            Flag.TOO_BRIGHT to R.string.flag_too_bright,
            Flag.BLURRED to R.string.flag_blurred,
            Flag.GLARE to R.string.flag_glare,
            Flag.FIELD_CUT to R.string.flag_field_cut,
            Flag.ODD_COLOUR to R.string.flag_odd_colour,
            Flag.TOO_SMALL to R.string.flag_too_small,
            Flag.POOR to R.string.flag_poor,
        )
    }
}
