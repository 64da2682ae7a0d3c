package org.mobileseg.core

/**
 * Whether a text is one JSON value and nothing else (RFC 8259). org.json reads much more than that:
 * names without quotes, comments, `=>` for a colon, 0x1e0; other apps would refuse such a manifest.
 *
 * Cut into tokens by [TOKEN], then read with a stack of open brackets: no recursion, so a tower of
 * them is no trouble.
 */
internal fun isStrictJson(text: String): Boolean {
    val open = ArrayDeque<Char>()
    var expected = Expected.VALUE
    var at = 0
    while (true) {
        SPACE.matchAt(text, at)?.let { at = it.range.last + 1 }
        if (at == text.length) return expected == Expected.END
        val token = TOKEN.matchAt(text, at)?.value ?: return false
        at += token.length
        expected = after(token, expected, open) ?: return false
    }
}

private val SPACE = Regex("[ \t\r\n]+")
private val TOKEN = Regex(
    "[\\[\\]{}:,]|true|false|null" +
        "|-?(?:0|[1-9][0-9]*)(?:\\.[0-9]+)?(?:[eE][-+]?[0-9]+)?(?![0-9A-Za-z.+-])" +
        // Possessive: a long text is read without a step back, and without a deep stack.
        "|\"(?:[^\"\\\\\u0000-\u001f]++|\\\\(?:[\"\\\\/bfnrt]|u[0-9a-fA-F]{4}))*+\"",
)

/** What may come next. */
private enum class Expected { VALUE, VALUE_OR_END_OF_LIST, NAME, NAME_OR_END, COLON, COMMA, END }

/** Null: the token has no place there. */
private fun after(token: String, expected: Expected, open: ArrayDeque<Char>): Expected? {
    val value = expected == Expected.VALUE || expected == Expected.VALUE_OR_END_OF_LIST
    return when (token) {
        "[" -> Expected.VALUE_OR_END_OF_LIST.takeIf { value }?.also { open.addLast('[') }
        "{" -> Expected.NAME_OR_END.takeIf { value }?.also { open.addLast('{') }
        "]" -> closed('[', expected == Expected.VALUE_OR_END_OF_LIST, expected, open)
        "}" -> closed('{', expected == Expected.NAME_OR_END, expected, open)
        ":" -> Expected.VALUE.takeIf { expected == Expected.COLON }
        "," -> when {
            expected != Expected.COMMA -> null
            open.last() == '{' -> Expected.NAME
            else -> Expected.VALUE
        }
        else -> when {
            value -> behind(open)
            !token.startsWith('"') -> null
            else -> Expected.COLON.takeIf { expected in NAMES }
        }
    }
}

private val NAMES = setOf(Expected.NAME, Expected.NAME_OR_END)

private fun closed(
    bracket: Char,
    empty: Boolean,
    expected: Expected,
    open: ArrayDeque<Char>,
): Expected? {
    val fits = empty || expected == Expected.COMMA && open.last() == bracket
    if (!fits) return null
    open.removeLast()
    return behind(open)
}

private fun behind(open: ArrayDeque<Char>) = if (open.isEmpty()) Expected.END else Expected.COMMA
