"""What the demo apps need of the package: one truth for their tests, and the way into them."""
