//! What each operation does, a file each: from its request to its response.

mod delete_item;
mod get_item;
mod put_item;
mod query;
mod scan;
mod update_item;
