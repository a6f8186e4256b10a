//! An async runtime to read and to run on.
