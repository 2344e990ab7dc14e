//! HTTP/1.1: requests and responses as bytes, and the loop of a connection. Not what requests mean: see
//! `dispatch`.

pub(crate) mod body;
pub(crate) mod connection;
pub(crate) mod head;
pub(crate) mod response;

pub(crate) use self::head::Head;
pub(crate) use self::response::Reply;
