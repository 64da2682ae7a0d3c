package org.mobileseg.core

import org.json.JSONArray
import org.json.JSONObject
import kotlin.math.floor

/** What an entry that is not there is shown as. */
internal const val MISSING = "nothing"

/**
 * An entry of a JSON document with its dotted path. Kinds are strict: org.json's own getters take
 * true for a text and "0.5" for a number, and would misread a manifest that was edited by hand.
 */
internal class Entry(private val value: Any?, private val path: String) {
    fun refuse(code: String = "entry"): Nothing =
        throw ManifestProblem(code, path, value?.toString() ?: MISSING)

    fun require(holds: Boolean) {
        if (!holds) refuse()
    }

    /** Null where null stands; what is not there is at fault. */
    fun orNull(): Entry? {
        require(value != null)
        return if (value == JSONObject.NULL) null else this
    }

    fun asObject(): Entry {
        require(value is JSONObject)
        return this
    }

    /** An entry of an object; where this is none, this is at fault. */
    fun child(key: String): Entry {
        val entries = value as? JSONObject ?: refuse()
        return Entry(entries.opt(key), if (path.isEmpty()) key else "$path.$key")
    }

    fun keys(): List<String> {
        val entries = value as? JSONObject ?: refuse()
        return entries.keys().asSequence().map { it.toString() }.toList()
    }

    /** The elements of a list of so many. */
    fun elements(count: IntRange): List<Entry> {
        val list = value as? JSONArray ?: refuse()
        require(list.length() in count)
        return List(list.length()) { i -> Entry(list.opt(i), "$path[$i]") }
    }

    fun textOrNull(): String? = value as? String

    fun text(): String = textOrNull() ?: refuse()

    /** A text with something in it. */
    fun name(): String = text().also { require(it.isNotEmpty()) }

    fun equal(expected: String) = require(value == expected)

    fun absentOr(expected: String) = require(value == null || value == expected)

    fun number(range: ClosedFloatingPointRange<Double>): Double {
        val number = (value as? Number ?: refuse()).toDouble()
        require(number in range) // not so for NaN, which org.json reads
        return number
    }

    /** The number where it is whole; 64.0 is: JavaScript cannot tell it from 64. */
    fun wholeOrNull(): Double? =
        (value as? Number)?.toDouble()?.takeIf { it == floor(it) && !it.isInfinite() }

    fun whole(range: LongRange): Long {
        val whole = wholeOrNull() ?: refuse()
        require(whole >= range.first && whole <= range.last)
        return whole.toLong()
    }

    /** So many whole numbers, each in the range; at fault as one entry. */
    fun wholes(count: Int, range: IntRange): List<Int> {
        val wholes = wholesOrNull() ?: refuse()
        require(wholes.size == count && wholes.all { it >= range.first && it <= range.last })
        return wholes.map { it.toInt() }
    }

    fun shape(expected: List<Int>) = require(wholesOrNull() == expected.map { it.toDouble() })

    private fun wholesOrNull(): List<Double>? {
        val list = value as? JSONArray ?: return null
        val wholes = List(list.length()) { i -> Entry(list.opt(i), path).wholeOrNull() }
        return wholes.filterNotNull().takeIf { it.size == wholes.size }
    }

    /** What the first of `members` is called; they may be absent, and so may their names. */
    fun firstMember(): String? {
        val members = (value as? JSONObject)?.opt("members") as? JSONArray
        val name = (members?.opt(0) as? JSONObject)?.opt("name") as? String
        return name?.takeIf { it.isNotEmpty() }
    }
}
