//! The portal that the demo's inspection checks: a real HTTP server that really breaks.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use tokio_util::sync::CancellationToken;

/// A running portal.
pub struct Portal {
    pub address: SocketAddr,
    works: Arc<AtomicBool>,
}

impl Portal {
    /// On a free port of the loopback; ends with `cancel`.
    pub async fn start(cancel: CancellationToken) -> std::io::Result<Portal> {
        let works = Arc::new(AtomicBool::new(true));
        let shared = Arc::clone(&works);
        let page = move || {
            let works = shared.load(Ordering::Relaxed);
            async move {
                if works {
                    (StatusCode::OK, "中国电信 省公司门户")
                } else {
                    (StatusCode::BAD_GATEWAY, "bad gateway")
                }
            }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let server = axum::serve(listener, Router::new().route("/", get(page)))
            .with_graceful_shutdown(async move { cancel.cancelled().await });
        tokio::spawn(async move {
            if let Err(error) = server.await {
                tracing::error!(%error, "the demo's portal stopped");
            }
        });
        Ok(Portal { address, works })
    }

    pub fn set(&self, works: bool) {
        self.works.store(works, Ordering::Relaxed);
    }
}
