//! Opens the built-in MQTT intake: its bounds, its TLS, and who may come in, by token or by certificate.

use crate::store::TokenRole;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::certificate_watch::watch_certificate;
use super::services::Services;
use super::start_error::StartError;
use super::tls_server::TlsServer;
use crate::api;
use crate::api::{Standing, TokenCache};
use crate::app::mqtt_config::ClientName;
use crate::ingest::mqtt;
use crate::ingest::mqtt::{
    AuthError, Authenticate, Binding, Credentials, IntakeContext, ListenerSettings, MqttListener, PublishPermission,
    TlsInForce,
};
use crate::metrics::Listener;
use crate::store::{LiveView, Readiness};

/// Takes the port and serves until the doors close.
pub async fn open(
    doors: &Services,
    keyring: Arc<TokenCache>,
    binding: Binding,
    surroundings: IntakeContext,
    reload: &Arc<Notify>,
    tasks: &mut Vec<JoinHandle<()>>,
) -> Result<SocketAddr, StartError> {
    let failed = |reason: String| StartError::Part { what: "built-in MQTT intake", reason };
    let intake = &doors.config.mqtt_intake;
    let mut settings = ListenerSettings::new(authenticate(keyring, Arc::clone(&doors.live), intake.client_name));
    settings.connections_max = intake.connections;
    settings.connections_per_address_max = intake.connections_per_address;
    if let Some(files) = intake.tls.clone() {
        let server = Arc::new(TlsServer::load(files).map_err(|error| failed(error.to_string()))?);
        settings.tls = Some(in_force(Arc::clone(&server)));
        tasks.push(watch_certificate(doors, Listener::Mqtt, server, reload));
    }
    let listener = MqttListener::bind(binding, settings, surroundings).await.map_err(|bad| failed(bad.to_string()))?;
    let address = listener.local_address();
    tasks.push(tokio::spawn(listener.run(doors.stop.clone())));
    Ok(address)
}

fn in_force(server: Arc<TlsServer>) -> TlsInForce {
    Arc::new(move || server.config())
}

/// A token as MQTT password, whatever the user name; without a password, the token that a certificate names; everybody
/// while the service is open.
fn authenticate(keyring: Arc<TokenCache>, live: Arc<LiveView>, client_name: ClientName) -> Authenticate {
    Arc::new(move |shown: Credentials| {
        let (keyring, live) = (Arc::clone(&keyring), Arc::clone(&live));
        Box::pin(async move {
            if let Readiness::Standby { .. } = live.readiness() {
                return Err(AuthError::Unavailable);
            }
            let secret = Some(shown.password.as_str()).filter(|password| !password.is_empty());
            let named = shown.certificate.as_ref().and_then(|certificate| client_name.token_of(certificate));
            if let (None, Some(name)) = (secret, named) {
                return match keyring.standing_of(name).await {
                    Standing::Valid(role) => permit(name.to_owned(), role, live),
                    Standing::Unknown | Standing::Revoked => Err(AuthError::BadCredentials),
                };
            }
            match keyring.admit(secret).await {
                api::AuthOutcome::Granted(caller) => permit(caller.name, caller.role, live),
                api::AuthOutcome::Refused => Err(AuthError::BadCredentials),
                api::AuthOutcome::Unavailable => Err(AuthError::Unavailable),
            }
        })
    })
}

/// A tool's token publishes on the topics of its own source, as they stand in the rulebook in force.
pub(super) fn permit(name: String, role: TokenRole, live: Arc<LiveView>) -> Result<PublishPermission, AuthError> {
    match role {
        TokenRole::Admin => Ok(PublishPermission::everything(&name)),
        TokenRole::Ingest { source } | TokenRole::Monitoring { source } if source == "*" => {
            Ok(PublishPermission::everything(&name))
        }
        TokenRole::Ingest { source } | TokenRole::Monitoring { source } => {
            let may_publish =
                move |topic: &str| live.rulebook().source(&source).is_some_and(|source| source.takes_topic(topic));
            Ok(PublishPermission { name, may_publish: Arc::new(may_publish) })
        }
        // People publish that they are there, and nothing else.
        TokenRole::FirstLine
        | TokenRole::SecondLine
        | TokenRole::ThirdLine
        | TokenRole::IncidentManager
        | TokenRole::ProblemManager
        | TokenRole::ChangeManager
        | TokenRole::ConfigurationManager
        | TokenRole::ProcessManager => {
            let own = mqtt::presence_topic(&name);
            Ok(PublishPermission { name, may_publish: Arc::new(move |topic: &str| topic == own) })
        }
        TokenRole::Viewer => Err(AuthError::NotAuthorised),
    }
}
