//! Result schema, terminal tables and result folders.
