"""What is asked of PACSes: accepted, handed to whoever carries it out, and answered."""
