//! Secrets by name, read only on sending, so that a new one needs no restart and none is stored.

use std::path::PathBuf;

use crate::core::rules::is_secret_name;

/// Longer ones are no keys.
const SECRET_MAX_BYTES: usize = 4_096;

/// Location of secrets: `WATCHFIRE_SECRET_<NAME>` first, then a file of that name.
#[derive(Clone)]
pub struct Secrets {
    environment: fn(&str) -> Option<String>,
    dir: Option<PathBuf>,
}

/// Reason why a secret cannot be used. Never contains the secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    #[error("the secret {name} is not set; set {variable}, or put it into the file {name} of secrets_dir")]
    Unset { name: String, variable: String },
    #[error("the secret {name} cannot be read: {reason}")]
    Unreadable { name: String, reason: String },
}

impl Secrets {
    /// `environment` returns the value of a variable.
    pub fn new(environment: fn(&str) -> Option<String>, dir: Option<PathBuf>) -> Secrets {
        Secrets { environment, dir }
    }

    /// The secret of that name, without the line break at its end.
    pub async fn get(&self, name: &str) -> Result<String, SecretError> {
        let variable = variable(name);
        let unset = || SecretError::Unset { name: name.to_owned(), variable: variable.clone() };
        if !is_secret_name(name) {
            return Err(unset());
        }
        if let Some(secret) = (self.environment)(&variable).filter(|secret| !secret.is_empty()) {
            return Ok(secret);
        }
        let Some(dir) = &self.dir else { return Err(unset()) };
        let unreadable = |reason: String| SecretError::Unreadable { name: name.to_owned(), reason };
        let text = match tokio::fs::read_to_string(dir.join(name)).await {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(unset()),
            Err(error) => return Err(unreadable(error.to_string())),
        };
        let secret = text.trim_end_matches(['\r', '\n']);
        match secret.len() {
            0 => Err(unset()),
            length if length > SECRET_MAX_BYTES => Err(unreadable(format!("{length} bytes are no secret"))),
            _ => Ok(secret.to_owned()),
        }
    }
}

/// `dingtalk-noc` is `WATCHFIRE_SECRET_DINGTALK_NOC`.
fn variable(name: &str) -> String {
    format!("WATCHFIRE_SECRET_{}", name.to_ascii_uppercase().replace('-', "_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_environment_comes_before_the_file_and_what_is_missing_says_where_it_belongs() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("file-one"), "钥匙 1\r\n").unwrap();
        std::fs::write(dir.path().join("both"), "from the file").unwrap();
        std::fs::write(dir.path().join("empty"), "\n").unwrap();
        let environment = |name: &str| (name == "WATCHFIRE_SECRET_BOTH").then(|| "from the environment".to_owned());
        let secrets = Secrets::new(environment, Some(dir.path().to_owned()));
        assert_eq!(secrets.get("file-one").await.unwrap(), "钥匙 1");
        assert_eq!(secrets.get("both").await.unwrap(), "from the environment");
        for name in ["empty", "none-such", "../both"] {
            let error = secrets.get(name).await.unwrap_err();
            assert!(matches!(error, SecretError::Unset { .. }), "{name}: {error}");
        }
        let error = Secrets::new(|_| None, None).get("dingtalk-noc").await.unwrap_err().to_string();
        assert!(error.contains("WATCHFIRE_SECRET_DINGTALK_NOC"), "{error}");
    }
}
