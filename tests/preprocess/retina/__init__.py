"""What retina finder 2 is held to: a slow, careful circle, disturbances, and a tolerance each."""
