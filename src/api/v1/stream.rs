//! The stream: every committed change as a server-sent event, from the moment of asking.
//!
//! A listener that falls behind is told how much it missed; it reads the lists again. The stream ends when the service
//! stops, so that no shutdown waits for a browser.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderName, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::Stream;
use serde::Serialize;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use super::alerts::AlertBody;
use crate::api::auth::{ClientAddress, NoPlace, Permission, Place, Principal};
use crate::api::http::endpoint::Endpoint;
use crate::api::http::error::ApiError;
use crate::api::http::query::QueryParameters;
use crate::api::state::ApiContext;
use crate::core::model::TimeDelta;
use crate::metrics::HttpRefusal;
use crate::store::StreamChange;

/// How often an idle stream says that it lives: below the usual minute of proxies.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// What the browser waits before it comes again.
const RETRY: Duration = Duration::from_secs(2);

pub fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::of(__path_stream, Permission::Read, stream)]
}

/// What a listener wants to hear of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StreamKind {
    Alert,
    Incident,
    Problem,
    Run,
}

impl StreamKind {
    const ALL: [StreamKind; 4] = [StreamKind::Alert, StreamKind::Incident, StreamKind::Problem, StreamKind::Run];

    const fn as_str(self) -> &'static str {
        match self {
            StreamKind::Alert => "alert",
            StreamKind::Incident => "incident",
            StreamKind::Problem => "problem",
            StreamKind::Run => "run",
        }
    }
}

/// Committed changes as server-sent events `alert`, `incident`, `problem`, `run`; `lagged` when some were missed.
#[utoipa::path(get, path = "/api/v1/stream",
    params(("kind" = Option<String>, Query, description = "Only these of alert, incident, problem, run")),
    responses((status = 200, description = "text/event-stream, until the service stops", content_type = "text/event-stream", body = String)))]
async fn stream(
    State(shared): State<Arc<ApiContext>>,
    ClientAddress(address): ClientAddress,
    caller: Principal,
    mut query: QueryParameters,
) -> Result<Response, ApiError> {
    let kinds = query.words("kind", &StreamKind::ALL, StreamKind::as_str)?;
    query.end()?;
    let place = shared.streams.take(stream_caller(&caller, address)).map_err(|full| {
        let failure = match full {
            NoPlace::OfCaller => ApiError::new(
                StatusCode::TOO_MANY_REQUESTS,
                "too many streams of this caller are open; close one first, or raise http.streams_per_caller in watchfire.yaml",
            )
            .retry_after(TimeDelta::from_seconds(1)),
            NoPlace::Altogether => ApiError::unavailable("too many streams are open; close one or come later"),
        };
        shared.refused(HttpRefusal::Streams, failure)
    })?;
    shared.api.metrics.http_streams(shared.streams.taken());
    let listener = Subscriber {
        changes: shared.api.live.subscribe(),
        stop: shared.api.stop.clone(),
        kinds,
        place: Some(place),
        shared: Arc::clone(&shared),
    };
    let events = Sse::new(listener.events()).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    // Proxies that buffer would hold events back until there are enough of them.
    let unbuffered = [(HeaderName::from_static("x-accel-buffering"), "no")];
    Ok((unbuffered, events).into_response())
}

/// Who is counted: a token, wherever it is used; without tokens the address.
fn stream_caller(caller: &Principal, address: IpAddr) -> String {
    if caller.is_anonymous() { format!("anonymous at {address}") } else { caller.name.clone() }
}

/// One open stream; its place is free again when it is dropped.
struct Subscriber {
    changes: Receiver<StreamChange>,
    stop: CancellationToken,
    kinds: Vec<StreamKind>,
    place: Option<Place<String>>,
    shared: Arc<ApiContext>,
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        self.place = None;
        self.shared.api.metrics.http_streams(self.shared.streams.taken());
    }
}

impl Subscriber {
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

fn kind_of(change: &StreamChange) -> StreamKind {
    match change {
        StreamChange::Alert(_) => StreamKind::Alert,
        StreamChange::Incident(_) => StreamKind::Incident,
        StreamChange::Problem(_) => StreamKind::Problem,
        StreamChange::Run(_) => StreamKind::Run,
    }
}

fn event_of(kind: StreamKind, change: &StreamChange) -> Event {
    match change {
        StreamChange::Alert(alert) => written(kind.as_str(), &AlertBody::of(alert.as_ref().clone(), None, None)),
        StreamChange::Incident(incident) => written(kind.as_str(), incident.as_ref()),
        StreamChange::Problem(problem) => written(kind.as_str(), problem.as_ref()),
        StreamChange::Run(run) => written(kind.as_str(), run.as_ref()),
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
