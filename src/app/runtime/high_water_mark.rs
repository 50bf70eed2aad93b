//! How far the journal was acknowledged, kept apart from the database: a database that lies behind it has lost what
//! senders were told is kept.
//!
//! In memory, for a database that falls back while the service runs (a lagging standby became the primary); and in a
//! small file, for one that falls back between two runs. The file may lie behind what was acknowledged when the machine
//! lost its power, never ahead of it.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::core::engine::JournalEntry;
use crate::core::model::{Offset, Partition};
use crate::store::MARK_FILE;

/// Offsets of one partition that were acknowledged and are gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    pub partition: Partition,
    pub first: Offset,
    pub last: Offset,
}

impl Loss {
    /// How many inputs.
    pub fn inputs(&self) -> u64 {
        self.last.0 + 1 - self.first.0
    }
}

impl std::fmt::Display for Loss {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Loss { partition, first, last } = self;
        write!(f, "partition {partition}: {} acknowledged inputs, offsets {first} to {last}", self.inputs())
    }
}

/// The mark of one database.
#[derive(Debug, Default)]
pub struct HighWaterMark {
    /// `None`: in memory only.
    path: Option<PathBuf>,
    database: String,
    /// The offset after the newest acknowledged input.
    heads: BTreeMap<Partition, Offset>,
    /// Whether a mark of that database was found.
    found: bool,
    failed: bool,
}

impl HighWaterMark {
    /// The mark in that directory, if it is this database's.
    pub fn open(directory: &Path, database: &str) -> HighWaterMark {
        let path = directory.join(MARK_FILE);
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let heads = parse(&text, database);
        let found = heads.is_some();
        let heads = heads.unwrap_or_default();
        HighWaterMark { path: Some(path), database: database.to_owned(), heads, found, failed: false }
    }

    /// Whether it is known what was acknowledged before.
    pub fn is_known(&self) -> bool {
        self.found
    }

    /// What was acknowledged and lies beyond these heads.
    pub fn losses(&self, heads: impl Iterator<Item = (Partition, Offset)>) -> Vec<Loss> {
        let heads: BTreeMap<Partition, Offset> = heads.collect();
        let lost = |(partition, marked): (&Partition, &Offset)| {
            let first = heads.get(partition).copied().unwrap_or(Offset(0));
            (*marked > first).then(|| Loss { partition: *partition, first, last: Offset(marked.0 - 1) })
        };
        self.heads.iter().filter_map(lost).collect()
    }

    /// These inputs are committed, and are acknowledged when this is noted.
    pub fn rise(&mut self, entries: &[(Partition, JournalEntry)]) {
        for (partition, entry) in entries {
            self.heads.insert(*partition, entry.offset.next());
        }
        if !entries.is_empty() {
            self.write();
        }
    }

    /// From here on: what is lost was said.
    pub fn reset(&mut self, heads: impl Iterator<Item = (Partition, Offset)>) {
        self.heads = heads.collect();
        self.write();
    }

    /// Written over in place and without a sync: it is to outlive this process, not the machine.
    fn write(&mut self) {
        let Some(path) = &self.path else { return };
        let mut text = format!("{}\n", self.database);
        for (partition, next) in &self.heads {
            // Of one width, so that a shorter text never leaves the end of a longer one.
            text.push_str(&format!("{:>2} {:>20}\n", partition.number(), next.0));
        }
        let outcome = write_over(path, text.as_bytes());
        if let Err(error) = &outcome
            && !self.failed
        {
            tracing::warn!(path = %path.display(), %error, "what is acknowledged is noted in memory only");
        }
        self.failed = outcome.is_err();
    }
}

fn write_over(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let open = || OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path);
    let file = match (open(), path.parent()) {
        (Err(error), Some(directory)) if error.kind() == std::io::ErrorKind::NotFound => {
            DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
            open()?
        }
        (opened, _) => opened?,
    };
    file.write_all_at(bytes, 0)?;
    file.set_len(bytes.len() as u64)
}

/// The heads; `None` of another database's mark, and of what was half written.
fn parse(text: &str, database: &str) -> Option<BTreeMap<Partition, Offset>> {
    let mut lines = text.lines();
    if lines.next() != Some(database) || !text.ends_with('\n') {
        return None;
    }
    let head = |line: &str| {
        let (partition, next) = line.trim().split_once(' ')?;
        Some((Partition::new(partition.parse().ok()?)?, Offset(next.trim().parse().ok()?)))
    };
    lines.map(head).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::engine::{Control, Input};
    use crate::core::model::Timestamp;

    fn entry(offset: u64) -> JournalEntry {
        JournalEntry { offset: Offset(offset), now: Timestamp::EPOCH, input: Input::Control(Control::Tick) }
    }

    #[test]
    fn what_lies_behind_the_mark_is_a_loss_with_its_offsets() {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().join("数据");
        let mut mark = HighWaterMark::open(&place, "a1");
        assert!(!mark.is_known());
        mark.rise(&[(Partition::DEFAULT, entry(9)), (Partition::DEFAULT, entry(10)), (Partition::DESK, entry(3))]);
        let mark = HighWaterMark::open(&place, "a1");
        assert!(mark.is_known());
        let check = |heads: &[(Partition, u64)], expected: &[&str]| {
            let losses = mark.losses(heads.iter().map(|(partition, next)| (*partition, Offset(*next))));
            assert_eq!(losses.iter().map(ToString::to_string).collect::<Vec<_>>(), expected, "{heads:?}");
        };
        check(&[(Partition::DEFAULT, 11), (Partition::DESK, 4)], &[]);
        check(&[(Partition::DEFAULT, 12), (Partition::DESK, 9)], &[]);
        check(
            &[(Partition::DEFAULT, 8), (Partition::DESK, 4)],
            &["partition 0: 3 acknowledged inputs, offsets 8 to 10"],
        );
        check(&[(Partition::DEFAULT, 11)], &["partition 64: 4 acknowledged inputs, offsets 0 to 3"]);
        // Another database's mark says nothing, nor does half of one.
        assert!(!HighWaterMark::open(&place, "b2").is_known());
        let path = place.join(MARK_FILE);
        let whole = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() - 1]).unwrap();
        assert!(!HighWaterMark::open(&place, "a1").is_known());
    }
}
