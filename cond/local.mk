# The language of conditions for triggers and filters lives here.
