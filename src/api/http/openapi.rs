//! The description of every route, made from the same endpoints that are served.

use utoipa::openapi::path::{HttpMethod, Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn, Paths};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, InfoBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, Required, ResponseBuilder,
};

use super::endpoint::Endpoint;
use super::schema;
use crate::api::auth::Permission;

/// What ingest serves: path, what it takes, and the shape of its answer.
pub const INGEST: [(&str, &str, Option<&str>); 3] = [
    ("/api/v2/alerts", "Takes alerts as Prometheus sends them.", None),
    ("/api/v1/events", "Takes native events: an object, an array, or NDJSON.", Some("Receipt")),
    ("/api/v1/sources/{name}", "Takes a tool's own payload, as its source file describes it.", Some("Receipt")),
];

/// The whole document.
pub fn document(endpoints: &[Endpoint]) -> OpenApi {
    let mut paths = Paths::new();
    for endpoint in endpoints.iter().filter(|endpoint| !endpoint.is_deprecated) {
        let method = method_of(&endpoint.method);
        let operation = completed(endpoint);
        paths.add_path_operation(endpoint.path.clone(), vec![method], operation);
    }
    for (path, summary, answer) in INGEST {
        paths.add_path_operation(path, vec![HttpMethod::Post], ingest(path, summary, answer));
    }
    let components = schema::components()
        .into_iter()
        .fold(ComponentsBuilder::new(), |components, (name, schema)| components.schema(name, schema));
    let bearer = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
    let basic = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Basic).build());
    let key = SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new("X-API-Key")));
    let components =
        components.security_scheme("bearer", bearer).security_scheme("basic", basic).security_scheme("key", key);
    OpenApiBuilder::new()
        .info(InfoBuilder::new().title("watchfire").version(env!("CARGO_PKG_VERSION")).build())
        .paths(paths)
        .components(Some(components.build()))
        .build()
}

fn method_of(method: &axum::http::Method) -> HttpMethod {
    match method.as_str() {
        "POST" => HttpMethod::Post,
        "PUT" => HttpMethod::Put,
        "DELETE" => HttpMethod::Delete,
        "PATCH" => HttpMethod::Patch,
        _ => HttpMethod::Get,
    }
}

/// The annotation with what follows from path, verb and door: ids, conditions, credentials, refusals.
fn completed(endpoint: &Endpoint) -> Operation {
    let mut operation = endpoint.operation.clone();
    let tag = tag_of(&endpoint.path);
    operation.operation_id = operation.operation_id.map(|id| format!("{tag}_{id}"));
    operation.tags = Some(vec![tag.to_owned()]);
    let mut parameters = operation.parameters.take().unwrap_or_default();
    parameters.extend(path_parameters(&endpoint.path));
    if is_command(&endpoint.method) && is_ours(&endpoint.path) {
        parameters.push(header("If-Match", "The version that you saw; 412 when it moved on"));
        parameters.push(header("Idempotency-Key", "Repeating a command with it within 24 h changes nothing"));
    }
    operation.parameters = (!parameters.is_empty()).then_some(parameters);
    if !asks_nobody(endpoint.door) {
        operation.security = Some(security());
    }
    for (status, description) in refusals(endpoint) {
        let taken = operation.responses.responses.contains_key(status);
        if !taken {
            operation.responses.responses.insert(status.to_owned(), refusal(&endpoint.path, description).into());
        }
    }
    operation
}

/// Whether a door is passed without credentials.
fn asks_nobody(door: Permission) -> bool {
    matches!(door, Permission::Health | Permission::Link)
}

/// The noun of a path: its first segment below our API, else whose API it is.
fn tag_of(path: &str) -> &str {
    match path.strip_prefix("/api/v1/") {
        Some(rest) => rest.split(['/', '.']).next().unwrap_or_default(),
        None if path.starts_with("/api/v2/") => "alertmanager",
        None => "service",
    }
}

fn is_command(method: &axum::http::Method) -> bool {
    method == axum::http::Method::POST || method == axum::http::Method::PATCH
}

fn is_ours(path: &str) -> bool {
    path.starts_with("/api/v1/")
}

fn refusals(endpoint: &Endpoint) -> Vec<(&'static str, &'static str)> {
    let mut refusals = vec![("503", "Not now; see Retry-After")];
    if !asks_nobody(endpoint.door) {
        refusals.extend([("401", "No token, or an unknown one"), ("403", "Not with this role, Origin or Host")]);
        refusals.push(("429", "Too many requests; see Retry-After"));
        refusals.push(("400", "What was asked cannot be read; the detail says where"));
    }
    if endpoint.path.contains('{') {
        refusals.push(("404", "Not known here"));
    }
    if is_command(&endpoint.method) && is_ours(&endpoint.path) {
        refusals.extend([("409", "Its state does not allow that"), ("412", "It moved on; look again")]);
        refusals.extend([("413", "The body is too large"), ("415", "The body is not JSON")]);
    }
    refusals
}

fn refusal(path: &str, description: &str) -> utoipa::openapi::Response {
    let response = ResponseBuilder::new().description(description);
    if is_ours(path) {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("ProblemDetails"))).build();
        response.content("application/problem+json", content).build()
    } else {
        response.build()
    }
}

fn path_parameters(path: &str) -> Vec<RefOr<Parameter>> {
    let names = path.split('{').skip(1).filter_map(|piece| piece.split_once('}')).map(|(name, _)| name);
    names
        .map(|name| {
            ParameterBuilder::new().name(name).parameter_in(ParameterIn::Path).required(Required::True).schema(text())
        })
        .map(|parameter| RefOr::T(parameter.build()))
        .collect()
}

fn header(name: &str, description: &str) -> RefOr<Parameter> {
    let parameter = ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(description))
        .schema(text())
        .build();
    RefOr::T(parameter)
}

fn text() -> Option<RefOr<utoipa::openapi::Schema>> {
    Some(utoipa::openapi::ObjectBuilder::new().schema_type(utoipa::openapi::Type::String).build().into())
}

fn security() -> Vec<SecurityRequirement> {
    ["bearer", "basic", "key"].map(|name| SecurityRequirement::new(name, Vec::<String>::new())).to_vec()
}

fn ingest(path: &str, summary: &str, answer: Option<&str>) -> Operation {
    let body = ContentBuilder::new().schema(Some(utoipa::openapi::ObjectBuilder::new().build())).build();
    let taken = ResponseBuilder::new().description("Committed; what could not be read is named");
    let taken = match answer {
        Some(shape) => {
            let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(shape))).build();
            taken.content("application/json", content)
        }
        None => taken,
    };
    let mut operation = OperationBuilder::new()
        .tag("ingest")
        .summary(Some(summary))
        .operation_id(Some(format!("ingest{}", path.replace(['/', '{', '}'], "_"))))
        .request_body(Some(
            utoipa::openapi::request_body::RequestBodyBuilder::new().content("application/json", body).build(),
        ))
        .response("200", taken.build());
    for (status, description) in [
        ("400", "Nothing of it could be read"),
        ("401", "No token, or an unknown one"),
        ("403", "Not with this role, Origin or Host"),
        ("413", "The body is too large"),
        ("429", "The queue is full; see Retry-After"),
        ("503", "Nothing can be kept now; see Retry-After"),
    ] {
        operation = operation.response(status, refusal(path, description));
    }
    let mut operation = operation.build();
    operation.security = Some(security());
    let parameters = path_parameters(path);
    operation.parameters = (!parameters.is_empty()).then_some(parameters);
    operation
}
