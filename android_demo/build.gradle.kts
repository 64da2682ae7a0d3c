plugins {
    alias(libs.plugins.android.application) apply false
    alias(libs.plugins.kotlin.android) apply false
    alias(libs.plugins.kotlin.jvm) apply false
}

tasks.wrapper {
    gradleVersion = "8.11.1" // as gradle/wrapper/gradle-wrapper.properties has it
}
