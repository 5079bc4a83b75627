# Read in darabonba-core 1.0.9.
