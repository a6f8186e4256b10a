//! Programs that need the heavier adapters.
