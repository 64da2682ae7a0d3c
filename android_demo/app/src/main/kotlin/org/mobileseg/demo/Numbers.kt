package org.mobileseg.demo

import android.content.res.Resources
import org.mobileseg.core.Finding
import org.mobileseg.core.Lesion
import org.mobileseg.core.Manifest
import org.mobileseg.core.Percent
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

    fun name(lesion: Lesion): String =
        LESION_NAMES[lesion.code]?.let(resources::getString) ?: lesion.name

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

    fun modelLine(manifest: Manifest): String = resources.getString(
        R.string.model_line,
        manifest.name,
        manifest.variant,
        manifest.precision,
        manifest.mobileseg,
    )

    private companion object {
        val LESION_NAMES = mapOf(
            "MA" to R.string.lesion_ma,
            "HE" to R.string.lesion_he,
            "EX" to R.string.lesion_ex,
            "SE" to R.string.lesion_se,
        )
    }
}
