//! One core's world: executor, mailboxes, routing, partitions.
