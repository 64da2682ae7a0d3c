package org.mobileseg.core

/** What all apps agree on; a test compares it with the goldens' constants. */
object Limits {
    const val SCHEMA = 3 // of model.json
    const val OLDEST_SCHEMA = 2 // that is still read
    const val OPACITY = 150 // of 255, before a person moves the slider
    const val MOST_MEGAPIXELS = 50
    const val MOST_FILE_BYTES = 100_000_000L
}
