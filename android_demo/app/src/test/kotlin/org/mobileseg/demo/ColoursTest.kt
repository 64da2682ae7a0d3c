package org.mobileseg.demo

import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import org.w3c.dom.Element
import java.io.File
import javax.xml.parsers.DocumentBuilderFactory
import kotlin.math.pow

/** Light and dark: each has every colour, and texts that can be read. */
class ColoursTest {
    private val light = colours("values")
    private val dark = colours("values-night")

    @Test
    fun `light and dark have the same colours`() = assertEquals(light.keys, dark.keys)

    @Test
    fun `texts stand out from what is behind them`() {
        for ((mode, colours) in mapOf("light" to light, "dark" to dark)) {
            for ((ink, paper) in TEXTS) {
                val found = contrast(colours.getValue(ink), colours.getValue(paper))
                assertTrue("$mode: $ink on $paper is $found to 1", found >= LEAST)
            }
        }
    }

    private fun colours(folder: String): Map<String, Int> {
        val file = File(System.getProperty("app"), "src/main/res/$folder/colors.xml")
        val rows = DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(file)
            .getElementsByTagName("color")
        return (0 until rows.length).map { rows.item(it) as Element }
            .associate { it.getAttribute("name") to it.textContent.removePrefix("#").toInt(16) }
    }

    /** WCAG 2.2, "contrast ratio". */
    private fun contrast(a: Int, b: Int): Double {
        val (darker, lighter) = listOf(luminance(a), luminance(b)).sorted()
        return (lighter + 0.05) / (darker + 0.05)
    }

    private fun luminance(colour: Int): Double =
        0.2126 * linear(colour shr 16) + 0.7152 * linear(colour shr 8) + 0.0722 * linear(colour)

    private fun linear(level: Int): Double {
        val share = (level and 0xff) / 255.0
        return if (share <= 0.04045) share / 12.92 else ((share + 0.055) / 1.055).pow(2.4)
    }

    private companion object {
        const val LEAST = 4.5 // WCAG 2.2, level AA
        val TEXTS = listOf(
            "ink" to "paper",
            "ink_soft" to "paper",
            "warning_ink" to "warning_paper",
        )
    }
}
