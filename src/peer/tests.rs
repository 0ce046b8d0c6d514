//! A peer against a tiny server that answers as told.
