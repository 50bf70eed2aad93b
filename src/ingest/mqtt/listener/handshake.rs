//! CONNECT and its answer: who comes in.

use super::addresses::AddressSlot;
use super::authentication::{AuthError, Credentials, PublishPermission};
use super::packets::Connect;
use super::refusal::ConnectRefusal;
use super::settings::ListenerSettings;
use super::transport::ClientCertificate;
use crate::ingest::mqtt::topic::is_publishable;

/// The permit, or why there is none. An address that gave many wrong passwords waits before its next one is looked at.
pub(super) async fn admit(
    connect: &Connect,
    certificate: Option<ClientCertificate>,
    place: &AddressSlot,
    settings: &ListenerSettings,
) -> Result<PublishPermission, ConnectRefusal> {
    if connect.extended_authentication {
        return Err(ConnectRefusal::ExtendedAuthentication);
    }
    if connect.client_id.is_empty() && !connect.clean {
        return Err(ConnectRefusal::ClientId);
    }
    tokio::time::sleep(place.login_delay()).await;
    let credentials = Credentials { user: connect.user.clone(), password: connect.password.clone(), certificate };
    let looked_up = tokio::time::timeout(settings.patience, (settings.authenticate)(credentials)).await;
    let permit = match looked_up.unwrap_or(Err(AuthError::Unavailable)) {
        Ok(permit) => permit,
        Err(AuthError::BadCredentials) => {
            place.login_failed();
            return Err(ConnectRefusal::BadCredentials);
        }
        Err(AuthError::NotAuthorised) => return Err(ConnectRefusal::NotAuthorised),
        Err(AuthError::Unavailable) => return Err(ConnectRefusal::Unavailable),
    };
    // A will is a publish: what may never be said is refused now, not when its sender is gone.
    match &connect.will {
        Some(will) if will.exactly_once && connect.version == super::packets::Version::V5 => Err(ConnectRefusal::Qos2),
        Some(will) if !is_publishable(&will.topic) => Err(ConnectRefusal::Topic),
        Some(will) if !(permit.may_publish)(&will.topic) => Err(ConnectRefusal::NotAuthorised),
        Some(_) | None => Ok(permit),
    }
}

/// The CONNACK for a CONNECT of another version, in the form that its sender can read.
pub(super) fn foreign_answer(level: u8) -> &'static [u8] {
    const UNSUPPORTED_VERSION: u8 = 0x84;
    const UNACCEPTABLE_VERSION_3: u8 = 0x01;
    match level {
        0..5 => &[0x20, 0x02, 0x00, UNACCEPTABLE_VERSION_3],
        _newer => &[0x20, 0x03, 0x00, UNSUPPORTED_VERSION, 0x00],
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::addresses::{Addresses, Bounds};
    use std::sync::Arc;

    use super::super::packets::{Version, Will};
    use super::*;

    fn connect(client_id: &str, clean: bool, login: Option<(&str, &str)>) -> Connect {
        let (user, password) = login.unwrap_or_default();
        Connect {
            version: Version::V4,
            client_id: client_id.to_owned(),
            clean,
            keep_alive: 0,
            will: None,
            user: user.to_owned(),
            password: password.to_owned(),
            extended_authentication: false,
        }
    }

    fn settings() -> ListenerSettings {
        ListenerSettings::new(Arc::new(|shown: Credentials| {
            let known = match (shown.user.as_str(), shown.password.as_str()) {
                (_, "令牌") => Ok(PublishPermission {
                    may_publish: Arc::new(|topic: &str| topic != "t/secret"),
                    ..PublishPermission::everything("token 1")
                }),
                (_, "viewer") => Err(AuthError::NotAuthorised),
                ("later", _) => Err(AuthError::Unavailable),
                ("never", _) => return Box::pin(std::future::pending()),
                (_, _) => Err(AuthError::BadCredentials),
            };
            Box::pin(std::future::ready(known))
        }))
    }

    async fn admitted(connect: &Connect) -> Result<String, ConnectRefusal> {
        let bounds = Bounds { connections: 1, handshakes: 1, unfinished_bytes: 0, all_unfinished_bytes: 0 };
        let place = Addresses::new(bounds).enter("192.0.2.1".parse().unwrap()).unwrap();
        admit(connect, None, &place, &settings()).await.map(|permit| permit.name)
    }

    #[tokio::test(start_paused = true)]
    async fn clients_are_let_in_by_their_token() {
        let check = async |client_id, clean, login, expected: Result<&str, ConnectRefusal>| {
            let got = admitted(&connect(client_id, clean, login)).await;
            assert_eq!(got, expected.map(str::to_owned), "{login:?}");
        };
        check("a", true, Some(("anyone", "令牌")), Ok("token 1")).await;
        check("", true, Some(("", "令牌")), Ok("token 1")).await;
        check("", false, Some(("", "令牌")), Err(ConnectRefusal::ClientId)).await;
        check("a", true, Some(("later", "x")), Err(ConnectRefusal::Unavailable)).await;
        check("a", true, Some(("never", "x")), Err(ConnectRefusal::Unavailable)).await;
        check("a", true, Some(("a", "x")), Err(ConnectRefusal::BadCredentials)).await;
        check("a", true, None, Err(ConnectRefusal::BadCredentials)).await;
        check("a", true, Some(("a", "viewer")), Err(ConnectRefusal::NotAuthorised)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_will_that_could_never_be_said_keeps_its_sender_outside() {
        let check = async |version, topic: &str, exactly_once, expected: Result<&str, ConnectRefusal>| {
            let will = Will { topic: topic.to_owned(), message: Bytes::new(), exactly_once };
            let connect = Connect { version, will: Some(will), ..connect("a", true, Some(("", "令牌"))) };
            assert_eq!(admitted(&connect).await, expected.map(str::to_owned), "{topic}");
        };
        check(Version::V4, "t/x", true, Ok("token 1")).await;
        check(Version::V5, "t/x", true, Err(ConnectRefusal::Qos2)).await;
        check(Version::V5, "t/x", false, Ok("token 1")).await;
        check(Version::V5, "t/secret", false, Err(ConnectRefusal::NotAuthorised)).await;
        check(Version::V4, "t/+", false, Err(ConnectRefusal::Topic)).await;
    }
}
