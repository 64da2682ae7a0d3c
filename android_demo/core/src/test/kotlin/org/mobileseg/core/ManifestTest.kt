package org.mobileseg.core

import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test

class ManifestTest {
    @Test
    fun `another minor version of ExecuTorch is refused`() {
        val cases = Goldens.objects("runtimes")
        assertTrue(cases.isNotEmpty())
        for (case in cases) {
            val found = outcome {
                refuseOtherRuntime(texts(case.getJSONObject("exporter")), case.getString("runtime"))
            }
            val expected = case.optJSONObject("problem")?.let { Refused.of(it) } ?: Unit
            assertEquals(case.toString(), expected, found)
        }
    }

    @Test
    fun `a problem says what was found`() {
        val text = Goldens.text("manifests/executorch.json").replaceFirst("\"xs\"", "7")
        val problem = assertThrows(ManifestProblem::class.java) {
            readManifest(text, Target.EXECUTORCH)
        }
        assertEquals("model.json: entry at 'variant' (found: 7)", problem.message)
    }

    @Test
    fun `white space around the object is nothing`() {
        val good = Goldens.text("manifests/executorch.json")
        val read = readManifest(good, Target.EXECUTORCH)
        assertEquals(read, readManifest("\n $good \r\n\t\n", Target.EXECUTORCH))
    }

    @Test
    fun `more text after the object is no JSON, and neither is a tower of brackets`() {
        val good = Goldens.text("manifests/executorch.json")
        for (text in listOf("$good{}", "$good x", "[".repeat(1 shl 20))) {
            assertEquals(Refused("not-json", ""), outcome { readManifest(text, Target.EXECUTORCH) })
        }
    }
}
