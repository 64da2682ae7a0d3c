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

/** @param retina share of the crop that is retina, float32; 0: none was found. */
fun findingOf(mask: Mask, retina: Float): Finding {
    val pixels = mask.count
    val whole = retina.toDouble() * (mask.side.toLong() * mask.side)
    return Finding(components(mask), pixels, if (retina > 0f) pixels / whole else 0.0)
}

/** What is raised without a quality output. */
fun flagsOf(crop: Crop, retina: Float, side: Int): List<Flag> = when {
    retina == 0f -> listOf(Flag.NO_RETINA)
    maxOf(crop.width, crop.height) < side -> listOf(Flag.TOO_SMALL)
    else -> emptyList()
}
