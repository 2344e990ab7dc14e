//! One shard's data: log, segments, index, cache, compaction, recovery.
