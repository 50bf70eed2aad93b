//! HTTP/1.1 on a listener, with or without TLS: each connection bounded in what it may hold and for how long, all of
//! them in number, and none of them able to keep another out.
//!
//! axum's own server sets no clock for the head of a request, so that a peer which sends a byte now and then would keep
//! its connection for ever.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use super::connections::{ConnectionLimits, ConnectionPlace, Connections};
use super::http_socket::{AnswerBody, RequestBody, Socket};
use super::tls_server::TlsServer;
use crate::api::Proxies;
use crate::metrics::{ConnectionCut, Metrics};

/// The longest head of a request, in bytes: the guard reads 16 KiB of headers and says so.
const HEAD_MAX_BYTES: usize = 32 * 1024;

/// The pause after a failed accept: out of file descriptors, most likely.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What bounds connections.
#[derive(Clone, Debug)]
pub struct HttpLimits {
    pub connections: ConnectionLimits,
    /// How long a peer may take for the head of a request, and how long a connection may lie idle between two.
    pub idle_timeout: Duration,
    /// How long a peer may read nothing of its answer.
    pub write_timeout: Duration,
}

/// One listener and what stands behind it.
pub struct HttpServer {
    pub listener: TcpListener,
    pub router: Router,
    /// `None`: in clear.
    pub tls: Option<Arc<TlsServer>>,
    pub limits: HttpLimits,
    /// Whose addresses stand for many people.
    pub proxies: Proxies,
    pub metrics: Arc<Metrics>,
}

impl HttpServer {
    /// Serves until `stop`; then takes no new connection or request, and ends with the last answer.
    pub async fn serve(self, stop: CancellationToken) {
        let HttpServer { listener, router, tls, limits, proxies, metrics } = self;
        let places = Connections::new(limits.connections, Arc::clone(&metrics));
        let server = Arc::new(ServerContext { router, tls, limits, metrics, stop: stop.clone() });
        let connections = TaskTracker::new();
        while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
            match accepted {
                Ok((stream, peer)) => {
                    let address = peer.ip().to_canonical();
                    let shared = address.is_loopback() || proxies.holds(address);
                    if let Some(place) = places.admit(Proxies::customer_of(address), shared) {
                        connections.spawn(Arc::clone(&server).connection(stream, peer, Arc::new(place)));
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "an HTTP connection could not be accepted; if there are too many open files, raise LimitNOFILE");
                    places.shed();
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        drop(listener);
        connections.close();
        connections.wait().await;
    }
}

struct ServerContext {
    router: Router,
    tls: Option<Arc<TlsServer>>,
    limits: HttpLimits,
    metrics: Arc<Metrics>,
    stop: CancellationToken,
}

impl ServerContext {
    async fn connection(self: Arc<ServerContext>, stream: TcpStream, peer: SocketAddr, place: Arc<ConnectionPlace>) {
        // Answers are small, and each is waited for.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, %peer, "the socket of an HTTP connection cannot be set up");
        }
        let cut = place.connection.cut.clone();
        let served = async {
            match &self.tls {
                None => self.speak(stream, peer, place).await,
                Some(tls) => match tls.accept(stream).await {
                    Ok(stream) => self.speak(stream, peer, place).await,
                    Err(error) => {
                        tracing::debug!(%error, %peer, "a TLS handshake failed");
                        self.metrics.http_connection_cut(ConnectionCut::Handshake);
                    }
                },
            }
        };
        // Dropped where it stands when it must give way.
        let _cut = cut.run_until_cancelled(served).await;
    }

    async fn speak<S>(&self, stream: S, peer: SocketAddr, place: Arc<ConnectionPlace>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let socket = Socket::new(stream, self.limits.write_timeout, Arc::clone(&place));
        let of_answer = Arc::clone(&place);
        let service = self.router.clone().map_request(move |request: Request<Incoming>| {
            place.begin_work();
            let mut request = request.map(|body| Body::new(RequestBody::new(body, Arc::clone(&place))));
            request.extensions_mut().insert(ConnectInfo(peer));
            request
        });
        let service = ServiceExt::<Request<Incoming>>::map_response(service, move |answer: Response<Body>| {
            answer.map(|body| AnswerBody::new(body, of_answer))
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.idle_timeout)
            .max_header_size(HEAD_MAX_BYTES)
            .serve_connection(TokioIo::new(socket), TowerToHyperService::new(service));
        tokio::pin!(connection);
        let ended = tokio::select! {
            ended = &mut connection => ended,
            () = self.stop.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            if error.is_timeout() {
                self.metrics.http_connection_cut(ConnectionCut::IdleTimeout);
            } else if is_write_timeout(&error) {
                self.metrics.http_connection_cut(ConnectionCut::WriteTimeout);
            }
            tracing::debug!(%error, %peer, "an HTTP connection broke off");
        }
    }
}

fn is_write_timeout(error: &hyper::Error) -> bool {
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<std::io::Error>());
    source.is_some_and(|error| error.kind() == std::io::ErrorKind::TimedOut)
}
