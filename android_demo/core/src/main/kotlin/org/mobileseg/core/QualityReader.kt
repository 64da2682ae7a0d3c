package org.mobileseg.core

private val SHARE = 0.0..1.0
private val LIMIT = -1e6..1e6
private val VALUES = 0..32 // as many as a manifest may name

/** `quality` of a manifest; null where the model says nothing of it. */
internal fun qualityIn(entry: Entry): QualitySpec? {
    val quality = entry.orNull()?.asObject() ?: return null
    val usable = quality.child("usable").number(SHARE)
    val read = mutableListOf<QualityValue>()
    for (row in quality.child("values").elements(VALUES)) {
        read += valueIn(row, read.map { it.name })
    }
    return QualitySpec(usable, read)
}

private fun valueIn(row: Entry, before: List<String>): QualityValue {
    val name = row.asObject().child("name").let { entry ->
        entry.name().also { entry.require(it !in before) }
    }
    val meaning = row.child("meaning").text()
    val least = row.child("least").orNull()?.number(LIMIT)
    val most = row.child("most").let { entry ->
        entry.orNull()?.number(LIMIT)?.also { entry.require(least == null || it > least) }
    }
    val below = flagOf(least, row.child("flag_below"))
    return QualityValue(name, meaning, least, most, below, flagOf(most, row.child("flag_above")))
}

/** A flag exactly where its limit is. */
private fun flagOf(limit: Double?, entry: Entry): Flag? {
    val named = entry.orNull()
    entry.require((named == null) == (limit == null))
    if (named == null) return null
    return Flag.of(named.textOrNull())?.takeIf { it.byValues } ?: entry.refuse()
}
