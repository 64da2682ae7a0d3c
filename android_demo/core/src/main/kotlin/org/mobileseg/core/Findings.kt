package org.mobileseg.core

import kotlin.math.floor

/**
 * One lesion in one picture.
 *
 * @property count 8-connected components of the mask.
 * @property pixels at the network's resolution.
 * @property area share of the retina, 0..1; 0 where no retina was found.
 */
data class Finding(val count: Int, val pixels: Int, val area: Double) {
    /** The area in hundredths of a percent, as it is shown. */
    val basisPoints: Long get() = floor(area * 10_000 + 0.5).toLong()
}

/** What a person is told beside the masks; [text] is Python's, the app has its own words. */
enum class Warning(val text: String) {
    NO_RETINA("no retina found"),
    TOO_SMALL("too small: the retina has fewer pixels than the network takes"),
}

/** @param retina share of the crop that is retina, float32; 0: none was found. */
fun findingOf(mask: Mask, retina: Float): Finding {
    val pixels = mask.count
    val whole = retina.toDouble() * (mask.side.toLong() * mask.side)
    return Finding(components(mask), pixels, if (retina > 0f) pixels / whole else 0.0)
}

fun warningsOf(crop: Crop, retina: Float, side: Int): List<Warning> = when {
    retina == 0f -> listOf(Warning.NO_RETINA)
    maxOf(crop.width, crop.height) < side -> listOf(Warning.TOO_SMALL)
    else -> emptyList()
}
