//! One route: its path, verb, door and OpenAPI operation, registered once, so that none can be forgotten in another
//! list.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::handler::Handler;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::Response;
use axum::routing::{MethodFilter, MethodRouter, on};
use utoipa::openapi::HttpMethod;
use utoipa::openapi::path::Operation;

use super::error::ApiError;
use crate::api::auth::{AuthLayer, Permission, guard};
use crate::api::state::ApiContext;

/// 2026-12-01, when the API took the words of its glossary.
const DEPRECATED_SINCE: HeaderValue = HeaderValue::from_static("@1796083200");

/// One verb on one path.
#[derive(Clone)]
pub struct Endpoint {
    pub path: String,
    pub method: Method,
    pub door: Permission,
    pub operation: Operation,
    /// A path of the release before: it answers, says that it is deprecated, and stands in no document.
    pub is_deprecated: bool,
    route: MethodRouter<Arc<ApiContext>>,
}

impl Endpoint {
    /// The handler behind its utoipa annotation, which says path and verb.
    pub fn of<P, H, T>(_annotation: P, door: Permission, handler: H) -> Endpoint
    where
        P: utoipa::Path,
        H: Handler<T, Arc<ApiContext>>,
        T: 'static,
    {
        let verb = P::methods().into_iter().next().unwrap_or(HttpMethod::Get);
        let (method, filter) = verb_of(&verb);
        let route = on(filter, handler);
        Endpoint { path: P::path(), method, door, operation: P::operation(), is_deprecated: false, route }
    }

    /// The same under a path of the release before.
    pub fn deprecated(self, path: &str) -> Endpoint {
        let route = self.route.layer(map_response(with_deprecation));
        Endpoint { path: path.to_owned(), is_deprecated: true, route, ..self }
    }
}

/// RFC 9745: the moment from which the path is deprecated.
async fn with_deprecation(mut response: Response) -> Response {
    response.headers_mut().insert(HeaderName::from_static("deprecation"), DEPRECATED_SINCE);
    response
}

/// Only the verbs that this API speaks; an annotation with another is served as GET and fails its first test.
fn verb_of(verb: &HttpMethod) -> (Method, MethodFilter) {
    match verb {
        HttpMethod::Post => (Method::POST, MethodFilter::POST),
        HttpMethod::Delete => (Method::DELETE, MethodFilter::DELETE),
        HttpMethod::Put => (Method::PUT, MethodFilter::PUT),
        HttpMethod::Patch => (Method::PATCH, MethodFilter::PATCH),
        HttpMethod::Get | HttpMethod::Head | HttpMethod::Options | HttpMethod::Trace => {
            (Method::GET, MethodFilter::GET)
        }
    }
}

/// All endpoints, each behind its guard; a known path answers other verbs with 405 and the ones it has. `elsewhere`
/// are verbs on the same paths that another room serves.
pub fn mount(
    endpoints: Vec<Endpoint>,
    elsewhere: &[(&str, Method)],
    shared: &Arc<ApiContext>,
) -> Router<Arc<ApiContext>> {
    let mut paths: BTreeMap<String, (Vec<Method>, MethodRouter<Arc<ApiContext>>)> = BTreeMap::new();
    for (path, method) in elsewhere {
        paths.entry((*path).to_owned()).or_default().0.push(method.clone());
    }
    for endpoint in endpoints {
        let guarded = AuthLayer { shared: Arc::clone(shared), door: endpoint.door };
        let mut route = endpoint.route.route_layer(from_fn_with_state(guarded, guard));
        // Alertmanager serves no HEAD; axum would answer it as GET.
        if endpoint.method == Method::GET && endpoint.path.starts_with("/api/v2/") {
            route = route.head(move |request| refuse_method(vec![Method::GET], request));
        }
        let entry = paths.entry(endpoint.path).or_default();
        entry.0.push(endpoint.method);
        entry.1 = std::mem::take(&mut entry.1).merge(route);
    }
    let mut router = Router::new();
    for (path, (mut methods, route)) in paths {
        methods.sort_by(|left, right| left.as_str().cmp(right.as_str()));
        let route = route.fallback(move |request| refuse_method(methods.clone(), request));
        // Alertmanager's router takes a slash at the end, and clients that join URLs send one.
        if path.starts_with("/api/v2/") {
            router = router.route(&format!("{path}/"), route.clone());
        }
        router = router.route(&path, route);
    }
    router
}

async fn refuse_method(methods: Vec<Method>, request: axum::extract::Request) -> axum::response::Response {
    method_not_allowed(&methods, request.method(), request.uri().path())
}

/// 405, worded as the path's family does, with the verbs that work.
pub fn method_not_allowed(methods: &[Method], method: &Method, path: &str) -> axum::response::Response {
    let allowed = methods.iter().map(Method::as_str).collect::<Vec<_>>().join(",");
    let shown: String = method.as_str().chars().take(32).collect();
    let detail = format!("method {shown} is not allowed, but [{allowed}] are");
    let allow = HeaderValue::from_str(&allowed).unwrap_or(HeaderValue::from_static("GET"));
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, detail).with(header::ALLOW, allow).answer(path)
}
