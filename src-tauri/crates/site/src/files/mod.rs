//! Trees of files: an index taken once, a copier that keeps everything, a comparison against the index.
