"""What an app reads at most; more is refused with the numbers, before it is decoded."""

MOST_MEGAPIXELS = 50  # the largest that phones' cameras write as a rule; decoded, 200 MB
MOST_FILE_BYTES = 100_000_000  # of a photo; a 50-megapixel PNG has less
