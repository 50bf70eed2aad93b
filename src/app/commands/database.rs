//! Opens the database that a command reads.

use crate::app::config::{Config, ServeFlags};
use crate::store::Store;

/// Opens the store of these flags, if it exists.
pub async fn open_existing(flags: ServeFlags) -> Result<Store, String> {
    open_database(&Config::resolve(flags).map_err(|error| error.to_string())?.database_url).await
}

/// Opens the store with that URL, if it is there.
pub async fn open_database(url: &str) -> Result<Store, String> {
    if let Some(path) = url.strip_prefix("sqlite:") {
        let path = path.split('?').next().unwrap_or_default();
        if !std::path::Path::new(path).is_file() {
            return Err(format!("{path}: no database of watchfire there; name its directory with --data-dir"));
        }
    }
    Store::open(url).await.map_err(|error| error.to_string())
}
