//! An answer that its peer does not read is held in memory: it keeps its caller's place until it is read or given up.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};

use super::Place;
use crate::api::state::CallerKey;

/// A body and the place that it keeps.
pub struct HeldBody {
    body: Body,
    _place: Place<CallerKey>,
}

impl HeldBody {
    pub fn new(body: Body, place: Place<CallerKey>) -> HeldBody {
        HeldBody { body, _place: place }
    }
}

impl HttpBody for HeldBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
