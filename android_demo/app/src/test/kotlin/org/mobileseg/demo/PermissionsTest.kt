package org.mobileseg.demo

import org.junit.Assert.assertEquals
import org.junit.Test
import org.w3c.dom.Element
import java.io.File
import javax.xml.parsers.DocumentBuilderFactory

/** No photo leaves the phone: the app may not use a network, and no backup holds its data. */
class PermissionsTest {
    private val manifest = File(System.getProperty("app"), "src/main/AndroidManifest.xml").let {
        DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(it).documentElement
    }

    @Test
    fun `the app asks for no permission`() {
        val asked = elements("uses-permission").map { it.getAttribute("android:name") }
        assertEquals(emptyList<String>(), asked)
    }

    @Test
    fun `nothing is backed up, and other apps start the main screen alone`() {
        assertEquals("false", elements("application").single().getAttribute("android:allowBackup"))
        val open = listOf("activity", "provider", "service", "receiver").flatMap(::elements)
            .filter { it.getAttribute("android:exported") != "false" }
            .map { it.getAttribute("android:name") }
        assertEquals(listOf(".MainActivity"), open)
    }

    private fun elements(tag: String): List<Element> {
        val found = manifest.getElementsByTagName(tag)
        return (0 until found.length).map { found.item(it) as Element }
    }
}
