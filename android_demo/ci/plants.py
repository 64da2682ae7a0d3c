"""Faults that the checks here must catch, as data: a file, what stands there, what is put there."""

from __future__ import annotations

from dataclasses import dataclass

CORE = "core/src/main/kotlin/org/mobileseg/core"
APP = "app/src/main/kotlin/org/mobileseg/demo"
RES = "app/src/main/res"


@dataclass(frozen=True, slots=True)
class Plant:
    """One fault."""

    name: str
    check: str  # which check must catch it
    file: str  # from android_demo/
    old: str  # once in the file
    new: str
    told: str  # what that check says; {line}: where the fault stands


PLANTS = (
    Plant(
        "a string that a layout names is missing",
        "resources",
        f"{RES}/layout/panel.xml",
        "@string/stays_here",
        "@string/stays_where",
        r"panel.xml:\d+: error: Error: No resource found that matches the given name",
    ),
    Plant(
        "the framework's table has a wrong name",
        "framework",
        "ci/framework.txt",
        "    void recycle()\n\nclass android.graphics.Canvas",
        "    void recicle()\n\nclass android.graphics.Canvas",
        "BitmapRegionDecoder.recicle(): Android has no such member",
    ),
    Plant(
        "the framework's table has a wrong arity",
        "framework",
        "ci/framework.txt",
        "boolean postTranslate(float, float)",
        "boolean postTranslate(float, float, float)",
        "Matrix.postTranslate(float, float, float): other parameters",
    ),
    Plant(
        "the framework's table has a static method that is none",
        "framework",
        "ci/framework.txt",
        "    boolean isPowerSaveMode()",
        "    static boolean isPowerSaveMode()",
        "PowerManager.isPowerSaveMode(): static in one of the two only",
    ),
    Plant(
        "the framework's table has a wrong constant",
        "framework",
        "ci/framework.txt",
        "FLAG_GRANT_WRITE_URI_PERMISSION = 2",
        "FLAG_GRANT_WRITE_URI_PERMISSION = 3",
        "FLAG_GRANT_WRITE_URI_PERMISSION: found 3; Android has 2",
    ),
    Plant(
        "the framework's table has what the oldest phone has not",
        "framework",
        "ci/framework.txt",
        "    since 29\n    int getCurrentThermalStatus()",
        "    int getCurrentThermalStatus()",
        "getCurrentThermalStatus(): since 29 in Android, minSdk is 26",
    ),
    Plant(
        "a call of a method that is not there",
        "compiler",
        f"{APP}/StoredPhoto.kt",
        "strip.getPixels(pixels",
        "strip.getPixelz(pixels",
        "StoredPhoto.kt:{line}:\\d+: error: unresolved reference 'getPixelz'",
    ),
    Plant(
        "a call with too few arguments",
        "compiler",
        f"{APP}/ZoomView.kt",
        "canvas.drawBitmap(picture, matrix, paint)",
        "canvas.drawBitmap(picture, matrix)",
        "ZoomView.kt:{line}:\\d+: error: no value passed for parameter",
    ),
    Plant(
        "a text that is in no resource",
        "compiler",
        f"{APP}/MainScreen.kt",
        "Message(R.string.working)",
        "Message(R.string.wurking)",
        "MainScreen.kt:{line}:\\d+: error: unresolved reference 'wurking'",
    ),
    Plant(
        "what may be null is used as if it could not",
        "compiler",
        f"{APP}/PhotoStore.kt",
        "cursor?.use(::firstRow)",
        "cursor.use(::firstRow)",
        "PhotoStore.kt:{line}:\\d+: error: ",
    ),
    Plant(
        "a case of the sealed stages is forgotten",
        "compiler",
        f"{APP}/Session.kt",
        "                is Outcome.Failed -> Stage.Failed(outcome.told)\n",
        "",
        "Session.kt:\\d+:\\d+: error: 'when' expression must be exhaustive",
    ),
    Plant(
        "averages are rounded down",
        "tests",
        f"{CORE}/FrameBuilder.kt",
        "(2 * sums[column * 3 + channel] + area) / (2 * area)",
        "(2 * sums[column * 3 + channel]) / (2 * area)",
        r"the frame is Python's\[half-each-way\]",
    ),
    Plant(
        "two orientations are exchanged",
        "tests",
        f"{CORE}/Orientation.kt",
        "QUARTER_TURN(true, false, true)",
        "QUARTER_TURN(true, true, false)",
        r"the frame is Python's\[orientation-6-smaller\]",
    ),
    Plant(
        "a probability at the very threshold is no lesion",
        "tests",
        f"{CORE}/Masks.kt",
        "values[from + it] >= limit",
        "values[from + it] > limit",
        r"the mask is Python's\[half\]",
    ),
    Plant(
        "blending is rounded up",
        "tests",
        f"{CORE}/Overlay.kt",
        "colour * opacity + 127",
        "colour * opacity + 254",
        r"the overlay is Python's\[opacity-77\]",
    ),
    Plant(
        "corners do not connect",
        "tests",
        f"{CORE}/Components.kt",
        "if (mask.pixels[at] && !seen[at])",
        "if ((x == column || y == row) && mask.pixels[at] && !seen[at])",
        r"pixels that touch by a corner are one lesion\(",
    ),
    Plant(
        "a number in quotes is taken for one",
        "tests",
        f"{CORE}/Entry.kt",
        "val number = (value as? Number ?: refuse()).toDouble()",
        "val number = value.toString().toDoubleOrNull() ?: refuse()",
        r"it is read, or refused, as Python does\[bad-lesions\.0\.threshold-1\.json\]",
    ),
    Plant(
        "a NaN's entry is not named",
        "tests",
        f"{CORE}/ManifestReader.kt",
        'objectIn(quoted)?.let { manifestIn(Entry(it, ""), target) }',
        "objectIn(quoted)",
        r"it is read, or refused, as Python does\[bad-3-no-number-usable\.json\]",
    ),
    Plant(
        "what is no number passes a limit",
        "tests",
        f"{CORE}/Quality.kt",
        "takeUnless { least == null || value >= least.toFloat() }",
        "takeIf { least != null && value < least.toFloat() }",
        r"quality and flags are Python's\[light-no-number\]",
    ),
    Plant(
        "the best lesion speaks for the picture",
        "tests",
        f"{CORE}/Quality.kt",
        "val shown = shares.min()",
        "val shown = shares.max()",
        r"quality and flags are Python's\[least-of-four\]",
    ),
    Plant(
        "the 90th percentile is the next round's",
        "tests",
        f"{CORE}/Bench.kt",
        "* (place - below)",
        "* 1.0",
        r"quantiles are NumPy's\(",
    ),
    Plant(
        "the app's text is not the shared one",
        "files",
        f"{RES}/values-de/strings.xml",
        ">Netzhautläsionen<",
        ">Netzhaut<",
        r"German texts are the shared ones\(",
    ),
    Plant(
        "a colour is there in the dark only",
        "files",
        f"{RES}/values/colors.xml",
        '    <color name="accent">#005AC1</color>\n',
        "",
        r"light and dark have the same colours\(",
    ),
    Plant(
        "the app may use the network",
        "files",
        "app/src/main/AndroidManifest.xml",
        "    <application\n",
        '    <uses-permission android:name="android.permission.INTERNET" />\n    <application\n',
        r"the app asks for no permission\(",
    ),
)
