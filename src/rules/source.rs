//! Sources: how one tool's payload becomes events.

/// One source file's description of a tool's payload.
#[derive(Debug, Clone)]
pub struct Source {
    pub name: String,
    /// MQTT topic filters that this source takes.
    pub topics: Vec<String>,
}
