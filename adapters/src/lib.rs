//! Adapters that let foreign libraries run on Waterwheel.
