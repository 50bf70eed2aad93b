//! CONNECT and its answer: who comes in.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use rumqttc::mqttbytes::v4::{ConnAck, Connect, ConnectReturnCode};

use super::ListenerSettings;
use super::refusal::ConnectRefusal;

/// Decides by user and password (both empty when not given) whether a client may come in, and what it may do. The
/// password is a token; any user name goes with it.
pub type Authenticate =
    Arc<dyn Fn(String, String) -> BoxFuture<'static, Result<PublishPermission, AuthError>> + Send + Sync>;

/// What a client that came in may do.
#[derive(Clone)]
pub struct PublishPermission {
    /// The token's name, for the reasons of refusals.
    pub name: String,
    /// Whether it may publish on that topic; what it may not is kept as a dead letter.
    pub may_publish: Arc<dyn Fn(&str) -> bool + Send + Sync>,
}

/// Why a client stays outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthError {
    /// No such token.
    BadCredentials,
    /// A token without the right to publish.
    NotAuthorised,
    /// Tokens cannot be looked up now.
    Unavailable,
}

impl PublishPermission {
    /// Everything, for an open listener on loopback.
    pub fn everything(name: &str) -> PublishPermission {
        PublishPermission { name: name.to_owned(), may_publish: Arc::new(|_: &str| true) }
    }
}

/// The permit, or the refusal with the answer that the protocol has for it.
pub(super) async fn admit(
    connect: &Connect,
    settings: &ListenerSettings,
) -> Result<PublishPermission, (ConnectRefusal, ConnAck)> {
    let refuse = |refusal, code| Err((refusal, ConnAck::new(code, false)));
    if connect.client_id.is_empty() && !connect.clean_session {
        return refuse(ConnectRefusal::ClientId, ConnectReturnCode::BadClientId);
    }
    let (user, password) =
        connect.login.as_ref().map(|login| (login.username.clone(), login.password.clone())).unwrap_or_default();
    let looked_up = tokio::time::timeout(settings.patience, (settings.authenticate)(user, password)).await;
    match looked_up.unwrap_or(Err(AuthError::Unavailable)) {
        Ok(permit) => Ok(permit),
        Err(AuthError::BadCredentials) => {
            refuse(ConnectRefusal::BadCredentials, ConnectReturnCode::BadUserNamePassword)
        }
        Err(AuthError::NotAuthorised) => refuse(ConnectRefusal::NotAuthorised, ConnectReturnCode::NotAuthorized),
        Err(AuthError::Unavailable) => refuse(ConnectRefusal::Unavailable, ConnectReturnCode::ServiceUnavailable),
    }
}

/// The CONNACK for a CONNECT of another version, in the form that its sender can read.
pub(super) fn foreign_answer(level: u8) -> &'static [u8] {
    const UNSUPPORTED_VERSION_5: u8 = 0x84;
    const UNACCEPTABLE_VERSION_3: u8 = 0x01;
    match level {
        5 => &[0x20, 0x03, 0x00, UNSUPPORTED_VERSION_5, 0x00],
        _older => &[0x20, 0x02, 0x00, UNACCEPTABLE_VERSION_3],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn clients_are_let_in_by_their_token_and_refused_in_the_words_of_the_protocol() {
        let settings = ListenerSettings::new(Arc::new(|user: String, password: String| {
            let known = match (user.as_str(), password.as_str()) {
                (_, "令牌") => Ok(PublishPermission::everything("token 1")),
                (_, "viewer") => Err(AuthError::NotAuthorised),
                ("later", _) => Err(AuthError::Unavailable),
                ("never", _) => return Box::pin(std::future::pending()),
                (_, _) => Err(AuthError::BadCredentials),
            };
            Box::pin(std::future::ready(known))
        }));
        let check = async |client_id: &str,
                           clean: bool,
                           login: Option<(&str, &str)>,
                           expected: Result<&str, (ConnectRefusal, u8)>| {
            let mut connect = Connect::new(client_id);
            connect.clean_session = clean;
            if let Some((user, password)) = login {
                connect.set_login(user, password);
            }
            let admitted = admit(&connect, &settings).await;
            let shown = admitted.as_ref().map(|permit| permit.name.as_str());
            assert_eq!(shown.map_err(|(refusal, answer)| (*refusal, answer.code as u8)), expected);
        };
        check("a", true, Some(("anyone", "令牌")), Ok("token 1")).await;
        check("", true, Some(("", "令牌")), Ok("token 1")).await;
        check("", false, Some(("", "令牌")), Err((ConnectRefusal::ClientId, 2))).await;
        check("a", true, Some(("later", "x")), Err((ConnectRefusal::Unavailable, 3))).await;
        check("a", true, Some(("never", "x")), Err((ConnectRefusal::Unavailable, 3))).await;
        check("a", true, Some(("a", "x")), Err((ConnectRefusal::BadCredentials, 4))).await;
        check("a", true, None, Err((ConnectRefusal::BadCredentials, 4))).await;
        check("a", true, Some(("a", "viewer")), Err((ConnectRefusal::NotAuthorised, 5))).await;
    }
}
