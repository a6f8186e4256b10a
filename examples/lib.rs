//! The book chapters as doctests, and what the example programs share.
