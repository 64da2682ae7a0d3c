package org.mobileseg.core

import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Test

/** The goldens have whole manifests; here every rule alone. */
class StrictJsonTest {
    @Test
    fun `JSON is read`() {
        val texts = listOf(
            "{}", "[]", "0", "-0.5e-3", "1E+9", "\"\"", "null", " true ", "[[],{}]",
            """{"a":[1,2,{"b":false}],"c":"\\ \" \u00fC é 😀"}""", "\t[\r\n1 ]\n",
        )
        for (text in texts) assertTrue(text, isStrictJson(text))
    }

    @Test
    fun `what only looks like it is not`() {
        val texts = listOf(
            "", " ", "{", "[", "]", "}", "[}", "{]", "{}{}", "[1 2]", "[1,]", "[,1]", "{,}", ":",
            """{"a"}""", """{"a":}""", """{"a":1,}""", """{"a":1 "b":2}""", """{1:2}""", "{a:1}",
            "{'a':1}", """{"a"=1}""", """{"a"::1}""", "01", "+1", ".5", "1.", "1e", "0x1", "1a",
            "-", "--1", "NaN", "Infinity", "nul", "truefalse", "True", "\"a", "\"\n\"", """"\x"""",
            """"\u00g0"""", "[1];", "[1]//", "/**/1", "#\n1", "\u00a01", ",", "1,2",
        )
        for (text in texts) assertFalse(text, isStrictJson(text))
    }

    @Test
    fun `a long text and a tower of brackets are no trouble`() {
        val many = 1 shl 20
        assertTrue(isStrictJson("\"" + "a\\n".repeat(many) + "\""))
        assertTrue(isStrictJson("[".repeat(many) + "]".repeat(many)))
        assertFalse(isStrictJson("[".repeat(many)))
    }
}
