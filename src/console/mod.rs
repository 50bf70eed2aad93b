//! Pages for a browser. They use the API's queue and views; a page must never write to the store.

mod ack_page;
mod index_page;

use crate::api::http::endpoint::Endpoint;

/// Every page; [`crate::app`] mounts them next to the API.
pub fn endpoints() -> Vec<Endpoint> {
    let mut pages = index_page::endpoints();
    pages.extend(ack_page::endpoints());
    pages
}
