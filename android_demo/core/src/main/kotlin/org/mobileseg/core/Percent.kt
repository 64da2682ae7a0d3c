package org.mobileseg.core

import java.text.NumberFormat
import java.util.Locale

/** The number in front of "%" for an area, in a locale's own digits. */
class Percent(locale: Locale) {
    private val format: NumberFormat = NumberFormat.getNumberInstance(locale).apply {
        minimumFractionDigits = 2
        maximumFractionDigits = 2
    }

    /** The smallest share that is shown as such: what is there and rounds to 0 is below it. */
    val smallest: String get() = of(1)

    fun of(basisPoints: Long): String = format.format(basisPoints / 100.0)

    /** Whether a finding is there and too small for two decimals. */
    fun isBelow(finding: Finding): Boolean = finding.pixels > 0 && finding.basisPoints == 0L
}
