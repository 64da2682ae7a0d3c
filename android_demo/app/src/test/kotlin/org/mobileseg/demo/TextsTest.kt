package org.mobileseg.demo

import org.json.JSONObject
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import org.w3c.dom.Element
import java.io.File
import javax.xml.parsers.DocumentBuilderFactory

/** The app says what all apps say, in every language. */
class TextsTest {
    private val table = JSONObject(File(folder("goldens"), "texts.json").readText())

    @Test
    fun `English texts are the shared ones`() = assertShared("values", "en")

    @Test
    fun `German texts are the shared ones`() = assertShared("values-de", "de")

    private fun assertShared(folder: String, language: String) {
        val texts = strings(folder)
        assertTrue("${texts.size} texts", texts.size > FEWEST)
        for ((key, text) in texts) {
            assertEquals(key, table.getJSONObject(key).getString(language), plain(text))
        }
        assertEquals(strings("values").keys, texts.keys)
    }

    private fun strings(folder: String): Map<String, String> {
        val file = File(folder("app"), "src/main/res/$folder/strings.xml")
        val rows = DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(file)
            .getElementsByTagName("string")
        return (0 until rows.length).map { rows.item(it) as Element }
            .associate { it.getAttribute("name") to it.textContent }
    }

    /** As Android shows it, with {0} where it puts the first thing. */
    private fun plain(text: String): String {
        val shown = text.replace(Regex("""\\(.)"""), "$1")
        if (!PLACE.containsMatchIn(shown)) return shown
        return PLACE.replace(shown) { "{${it.groupValues[1].toInt() - 1}}" }.replace("%%", "%")
    }

    private fun folder(property: String) =
        File(System.getProperty(property) ?: error("-D$property=DIR is missing"))

    private companion object {
        const val FEWEST = 40
        val PLACE = Regex("""%(\d)\${'$'}s""")
    }
}
