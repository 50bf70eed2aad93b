//! The stream: every committed change as a server-sent event, from the moment of asking.
//!
//! A listener that falls behind is told how much it missed; it reads the lists again. The stream ends when the service
//! stops, so that no shutdown waits for a browser.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderName;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::Stream;
use serde::Serialize;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, TryAcquireError};
use tokio_util::sync::CancellationToken;

use super::alerts::AlertView;
use crate::api::auth::Door;
use crate::api::http::endpoint::Endpoint;
use crate::api::http::error::Failure;
use crate::api::http::query::Parameters;
use crate::api::state::Shared;
use crate::store::Change;

/// How often an idle stream says that it lives: below the usual minute of proxies.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// What the browser waits before it comes again.
const RETRY: Duration = Duration::from_secs(2);

pub fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::of(__path_stream, Door::Read, stream)]
}

/// What a listener wants to hear of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Alert,
    Incident,
    Problem,
    Run,
}

impl Kind {
    const ALL: [Kind; 4] = [Kind::Alert, Kind::Incident, Kind::Problem, Kind::Run];

    const fn as_str(self) -> &'static str {
        match self {
            Kind::Alert => "alert",
            Kind::Incident => "incident",
            Kind::Problem => "problem",
            Kind::Run => "run",
        }
    }
}

/// Committed changes as server-sent events `alert`, `incident`, `problem`, `run`; `lagged` when some were missed.
#[utoipa::path(get, path = "/api/v1/stream",
    params(("kind" = Option<String>, Query, description = "Only these of alert, incident, problem, run")),
    responses((status = 200, description = "text/event-stream, until the service stops", content_type = "text/event-stream", body = String)))]
async fn stream(State(shared): State<Arc<Shared>>, mut query: Parameters) -> Result<Response, Failure> {
    let kinds = query.words("kind", &Kind::ALL, Kind::as_str)?;
    query.end()?;
    let place = Arc::clone(&shared.streams).try_acquire_owned().map_err(|error| match error {
        TryAcquireError::NoPermits => Failure::unavailable("too many streams are open; close one or come later"),
        TryAcquireError::Closed => Failure::unavailable("the service is stopping"),
    })?;
    let listener =
        Listener { changes: shared.api.live.subscribe(), stop: shared.api.stop.clone(), kinds, _place: place };
    let events = Sse::new(listener.events()).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    // Proxies that buffer would hold events back until there are enough of them.
    let unbuffered = [(HeaderName::from_static("x-accel-buffering"), "no")];
    Ok((unbuffered, events).into_response())
}

/// One open stream; its place is free again when it is dropped.
struct Listener {
    changes: Receiver<Change>,
    stop: CancellationToken,
    kinds: Vec<Kind>,
    _place: OwnedSemaphorePermit,
}

impl Listener {
    fn events(self) -> impl Stream<Item = Result<Event, Infallible>> {
        let greeting = Event::default().retry(RETRY).comment("listening");
        futures_util::stream::unfold((self, Some(greeting)), |(mut listener, greeting)| async move {
            let event = match greeting {
                Some(greeting) => greeting,
                None => listener.next().await?,
            };
            Some((Ok(event), (listener, None)))
        })
    }

    /// The next event that is wanted; `None` at the end.
    async fn next(&mut self) -> Option<Event> {
        loop {
            let change = tokio::select! {
                () = self.stop.cancelled() => return None,
                change = self.changes.recv() => change,
            };
            match change {
                Ok(change) => {
                    let kind = kind_of(&change);
                    if self.kinds.is_empty() || self.kinds.contains(&kind) {
                        return Some(event_of(kind, &change));
                    }
                }
                Err(RecvError::Lagged(missed)) => return Some(lagged(missed)),
                Err(RecvError::Closed) => return None,
            }
        }
    }
}

fn kind_of(change: &Change) -> Kind {
    match change {
        Change::Alert(_) => Kind::Alert,
        Change::Incident(_) => Kind::Incident,
        Change::Problem(_) => Kind::Problem,
        Change::Run(_) => Kind::Run,
    }
}

fn event_of(kind: Kind, change: &Change) -> Event {
    match change {
        Change::Alert(alert) => written(kind.as_str(), &AlertView::of(alert.as_ref().clone(), None, None)),
        Change::Incident(incident) => written(kind.as_str(), incident.as_ref()),
        Change::Problem(problem) => written(kind.as_str(), problem.as_ref()),
        Change::Run(run) => written(kind.as_str(), run.as_ref()),
    }
}

fn lagged(missed: u64) -> Event {
    #[derive(Serialize)]
    struct Lagged {
        missed: u64,
    }
    written("lagged", &Lagged { missed })
}

fn written(name: &'static str, data: &impl Serialize) -> Event {
    Event::default().event(name).json_data(data).unwrap_or_else(|error| {
        tracing::error!(%error, "an event of the stream cannot be written as JSON");
        Event::default().event("lagged").data(r#"{"missed":1}"#)
    })
}
