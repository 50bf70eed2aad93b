//! Signed tokens of acknowledge links: each allows one person to acknowledge one incident until a time.
//!
//! The holder of a token may do that one action and nothing else. The key and the time are arguments.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::core::model::{IncidentId, Timestamp};

/// Maximum length of a token, in bytes.
pub const ACK_TOKEN_MAX_BYTES: usize = 1_024;

/// The key that signs tokens: 256 bits.
#[derive(Clone, PartialEq, Eq)]
pub struct AckKey(pub [u8; 32]);

impl std::fmt::Debug for AckKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AckKey(…)")
    }
}

/// The content of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AckClaim {
    pub incident: IncidentId,
    /// The person, or the team whose channel got the link.
    pub who: String,
    pub is_person: bool,
    /// Not valid from then on; whole seconds.
    pub until: Timestamp,
    /// Of the notice that carries it: what is acknowledged or reopened later is not what it was made for.
    pub issued: Timestamp,
}

/// Reason to reject a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AckTokenError {
    /// Truncated, changed, or signed by another key.
    #[error("this link is not one of ours, or it was damaged on the way")]
    Forged,
    #[error("this link has expired")]
    Expired,
}

impl AckClaim {
    /// `INCIDENT.UNTIL.KIND.WHO.ISSUED.SIGNATURE`, all of it fit for a URL.
    pub fn token(&self, key: &AckKey) -> String {
        let kind = if self.is_person { 'p' } else { 't' };
        let until = self.until.as_micros().div_euclid(1_000_000);
        let issued = self.issued.as_micros();
        let body = format!("{}.{until}.{kind}.{}.{issued}", self.incident.0, hex(self.who.as_bytes()));
        let signature = hex(&signed(key, &body).finalize().into_bytes());
        format!("{body}.{signature}")
    }

    /// The content of a token, if it is ours and still valid. The signature is compared in constant time, before any
    /// content is used.
    pub fn read(token: &str, key: &AckKey, now: Timestamp) -> Result<AckClaim, AckTokenError> {
        if token.len() > ACK_TOKEN_MAX_BYTES {
            return Err(AckTokenError::Forged);
        }
        let (body, signature) = token.rsplit_once('.').ok_or(AckTokenError::Forged)?;
        let signature = bytes(signature).ok_or(AckTokenError::Forged)?;
        signed(key, body).verify_slice(&signature).map_err(|_| AckTokenError::Forged)?;
        let claim = AckClaim::parse(body).ok_or(AckTokenError::Forged)?;
        if claim.until <= now { Err(AckTokenError::Expired) } else { Ok(claim) }
    }

    fn parse(body: &str) -> Option<AckClaim> {
        let mut parts = body.split('.');
        let incident = IncidentId(parts.next()?.parse().ok()?);
        let until = Timestamp::from_seconds(parts.next()?.parse().ok()?);
        let is_person = match parts.next()? {
            "p" => true,
            "t" => false,
            _ => return None,
        };
        let who = String::from_utf8(bytes(parts.next()?)?).ok()?;
        let issued = Timestamp::from_micros(parts.next()?.parse().ok()?);
        parts.next().is_none().then_some(AckClaim { incident, who, is_person, until, issued })
    }
}

/// The purpose is signed too, so that another signature by the same key is invalid here.
fn signed(key: &AckKey, body: &str) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(&key.0).expect("HMAC takes keys of any length");
    mac.update(b"watchfire acknowledge 2\n");
    mac.update(body.as_bytes());
    mac
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    if !hex.len().is_multiple_of(2) || !hex.is_ascii() {
        return None;
    }
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: AckKey = AckKey([7; 32]);

    fn claim() -> AckClaim {
        let until = Timestamp::from_seconds(1_770_973_200);
        let issued = Timestamp::from_micros(1_770_886_800_000_123);
        AckClaim { incident: IncidentId(7), who: "张三".to_owned(), is_person: true, until, issued }
    }

    #[test]
    fn a_token_says_what_it_was_made_of_until_it_expires() {
        let token = claim().token(&KEY);
        let fits_a_url = |c: char| c.is_ascii_alphanumeric() || c == '.';
        assert!(token.chars().all(fits_a_url), "{token}");
        assert_eq!(AckClaim::read(&token, &KEY, Timestamp::from_seconds(1_770_973_199)), Ok(claim()));
        let late = Timestamp::from_seconds(1_770_973_200);
        assert_eq!(AckClaim::read(&token, &KEY, late), Err(AckTokenError::Expired));
        assert_eq!(AckClaim::read(&token, &AckKey([8; 32]), late), Err(AckTokenError::Forged));
    }

    #[test]
    fn no_changed_token_is_believed() {
        let token = claim().token(&KEY);
        let now = Timestamp::from_seconds(0);
        for at in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[at] = if changed[at] == b'1' { b'2' } else { b'1' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(AckClaim::read(&changed, &KEY, now), Err(AckTokenError::Forged), "{changed}");
            assert_eq!(AckClaim::read(&token[..at], &KEY, now), Err(AckTokenError::Forged), "{at}");
        }
        for odd in ["", ".", "7.0.p.00", "....", "é.é", &"1".repeat(5_000)] {
            assert_eq!(AckClaim::read(odd, &KEY, now), Err(AckTokenError::Forged), "{odd:.40}");
        }
    }
}
