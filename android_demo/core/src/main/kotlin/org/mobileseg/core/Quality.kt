package org.mobileseg.core

import kotlin.math.floor

/**
 * What may be said of a picture, in the order in which it is said. The last is no flag: an unusable
 * picture that raises none.
 *
 * @property code Python's, and every app's.
 * @property byValues whether a value of the quality output may raise it.
 * @property fatal whether such a picture is unusable, whatever its quality.
 */
enum class Flag(val code: String, val byValues: Boolean = true, val fatal: Boolean = false) {
    NO_RETINA("no-retina", byValues = false, fatal = true),
    NOT_FUNDUS("not-fundus", fatal = true),
    TOO_DARK("too-dark"),
    TOO_BRIGHT("too-bright"),
    BLURRED("blurred"),
    GLARE("glare"),
    FIELD_CUT("field-cut"),
    ODD_COLOUR("odd-colour"),
    TOO_SMALL("too-small", byValues = false),
    POOR("poor", byValues = false);

    companion object {
        fun of(code: String?): Flag? = values().find { it.code == code && it != POOR }
    }
}

/** A number behind the quality: below [least] it raises [below], above [most] it raises [above]. */
data class QualityValue(
    val name: String,
    val meaning: String,
    val least: Double?,
    val most: Double?,
    val below: Flag?,
    val above: Flag?,
) {
    /** What is raised, compared in float32; by what is no number, everything. */
    fun flags(value: Float): List<Flag> = listOfNotNull(
        below.takeUnless { least == null || value >= least.toFloat() },
        above.takeUnless { most == null || value <= most.toFloat() },
    )
}

/** What the manifest says of the quality output: after each lesion's quality, these values. */
data class QualitySpec(val usable: Double, val values: List<QualityValue>)

/**
 * What a person is told of a picture.
 *
 * @property lesions each lesion's quality, 0..1, in the order of the channels.
 * @property shown the one figure: the least of them.
 */
data class PictureQuality(
    val lesions: List<Float>,
    val shown: Float,
    val usable: Boolean,
    val flags: List<Flag>,
) {
    /** [shown] as it is written. */
    val percent: Int get() = floor(shown.toDouble() * 100 + 0.5).toInt()
}

/**
 * From the quality output to what is said. What is no number counts as bad: no picture is usable
 * because a comparison failed. Without a retina the values speak of nothing and raise none.
 *
 * @param output each of the [lesions] lesions' quality, then the values of [spec].
 * @param raised flags that stand already.
 */
fun judgeQuality(
    output: FloatArray,
    lesions: Int,
    spec: QualitySpec,
    raised: List<Flag>,
): PictureQuality {
    require(output.size == lesions + spec.values.size) {
        "${output.size} numbers of quality: expected $lesions + ${spec.values.size}"
    }
    val shares = output.take(lesions).map(::share)
    val values = output.drop(lesions)
    val byValues = spec.values.zip(values).flatMap { (row, value) -> row.flags(value) }
    val found = if (Flag.NO_RETINA in raised) raised else raised + byValues
    val flags = Flag.values().filter { it in found }
    val shown = shares.min()
    val usable = shown >= spec.usable.toFloat() && flags.none { it.fatal }
    return PictureQuality(shares, shown, usable, flags)
}

/** What is said of a picture: its flags, or that it is poor. */
fun saidOf(flags: List<Flag>, usable: Boolean): List<Flag> =
    flags.ifEmpty { if (usable) emptyList() else listOf(Flag.POOR) }

private fun share(value: Float): Float = if (value >= 0f) minOf(value, 1f) else 0f
