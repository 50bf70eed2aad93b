//! The pages that people open in a browser. They ask what the API asks, over the same queue and the same views; a page must
//! never write to the store.

mod ack_page;
mod index_page;

use crate::api::http::endpoint::Endpoint;

/// Every page; [`crate::app`] mounts them beside the API.
pub fn endpoints() -> Vec<Endpoint> {
    let mut pages = index_page::endpoints();
    pages.extend(ack_page::endpoints());
    pages
}
