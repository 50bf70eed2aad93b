//! The file of a backup: parts, each sealed with its checksum and compressed, and an end that covers all parts before
//! it.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufReader, BufWriter, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::error::BackupError;
use crate::core::engine::ENGINE_VERSION;
use crate::core::model::{Offset, Partition, Timestamp};
use crate::store::codec;

/// The first bytes of every backup; the last is the version of the format.
const MAGIC: &[u8; 17] = b"watchfire backup\x01";
/// Maximum accepted length of a sealed part.
const PART_MAX_BYTES: u32 = 1 << 30;

/// A part of a backup, in this order: one begin, rows of tables, one end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ArchivePart {
    ArchiveHead(ArchiveHead),
    Rows(TableRows),
    End(End),
}

/// Origin of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchiveHead {
    pub made_at: Timestamp,
    /// The newest migration of the database.
    pub schema: i64,
    pub engine_version: u32,
    /// Head of each partition's journal.
    pub heads: Vec<(u8, u64)>,
}

/// Some rows of one table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TableRows {
    pub table: String,
    pub columns: Vec<String>,
    pub rows: Vec<Vec<ArchiveCell>>,
}

/// One value of a row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ArchiveCell {
    Null,
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
}

impl ArchiveCell {
    /// Its approximate size.
    pub(super) fn bytes(&self) -> usize {
        match self {
            ArchiveCell::Null => 1,
            ArchiveCell::Int(_) => 8,
            ArchiveCell::Text(text) => text.len() + 2,
            ArchiveCell::Bytes(bytes) => bytes.len() + 2,
        }
    }
}

/// Proof of completeness.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// By table.
    pub rows: BTreeMap<String, u64>,
    /// SHA-256 of every byte before it.
    pub digest: [u8; 32],
}

/// Contents of a complete backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchiveContents {
    pub made_at: Timestamp,
    /// The newest migration of the source database.
    pub schema: i64,
    pub engine_version: u32,
    /// The offset of each partition's next input.
    pub heads: Vec<(Partition, Offset)>,
    /// By table.
    pub rows: BTreeMap<String, u64>,
    /// Size of the file.
    pub bytes: u64,
}

impl ArchiveContents {
    fn new(begin: &ArchiveHead, rows: BTreeMap<String, u64>, bytes: u64) -> ArchiveContents {
        let heads = begin.heads.iter();
        let heads = heads.filter_map(|(partition, next)| Some((Partition::new(*partition)?, Offset(*next)))).collect();
        let ArchiveHead { made_at, schema, engine_version, .. } = *begin;
        ArchiveContents { made_at, schema, engine_version, heads, rows, bytes }
    }

    /// Number of rows of all tables.
    pub fn all_rows(&self) -> u64 {
        self.rows.values().sum()
    }
}

/// A backup during writing.
pub(super) struct ArchiveWriter {
    path: PathBuf,
    out: BufWriter<File>,
    digest: Sha256,
    bytes: u64,
    begin: Option<ArchiveHead>,
    rows: BTreeMap<String, u64>,
}

impl ArchiveWriter {
    /// Overwrites an earlier attempt; readable by its owner only.
    pub(super) fn create(path: &Path) -> Result<ArchiveWriter, BackupError> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let out = options.open(path).map_err(|error| BackupError::file(path, error))?;
        let mut archive = ArchiveWriter {
            path: path.to_owned(),
            out: BufWriter::new(out),
            digest: Sha256::new(),
            bytes: 0,
            begin: None,
            rows: BTreeMap::new(),
        };
        archive.write(MAGIC)?;
        Ok(archive)
    }

    pub(super) fn begin(&mut self, made_at: Timestamp, schema: i64, heads: Vec<(u8, u64)>) -> Result<(), BackupError> {
        let begin = ArchiveHead { made_at, schema, engine_version: ENGINE_VERSION, heads };
        self.begin = Some(begin.clone());
        self.put(&ArchivePart::ArchiveHead(begin))
    }

    /// Starts a table, which may have no rows.
    pub(super) fn table(&mut self, table: &str) {
        self.rows.entry(table.to_owned()).or_default();
    }

    pub(super) fn rows(&mut self, rows: TableRows) -> Result<(), BackupError> {
        *self.rows.entry(rows.table.clone()).or_default() += rows.rows.len() as u64;
        self.put(&ArchivePart::Rows(rows))
    }

    pub(super) fn rows_so_far(&self) -> u64 {
        self.rows.values().sum()
    }

    /// Writes the end; afterwards the file is on disk.
    pub(super) fn end(mut self) -> Result<ArchiveContents, BackupError> {
        let end = End { rows: self.rows.clone(), digest: self.digest.clone().finalize().into() };
        self.put(&ArchivePart::End(end))?;
        let failed = |error: std::io::Error| BackupError::file(&self.path, error);
        self.out.flush().map_err(failed)?;
        self.out.get_ref().sync_all().map_err(failed)?;
        let begin = self.begin.as_ref().ok_or_else(|| BackupError::damaged(&self.path, "it has no begin"))?;
        Ok(ArchiveContents::new(begin, self.rows, self.bytes))
    }

    fn put(&mut self, part: &ArchivePart) -> Result<(), BackupError> {
        let plain = postcard::to_allocvec(part).map_err(|error| BackupError::file(&self.path, error))?;
        let sealed = codec::seal(&plain);
        let length = u32::try_from(sealed.len()).ok().filter(|length| *length <= PART_MAX_BYTES);
        let length = length.ok_or_else(|| BackupError::file(&self.path, "a row is too large for a backup"))?;
        self.write(&length.to_le_bytes())?;
        self.write(&sealed)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), BackupError> {
        self.digest.update(bytes);
        self.bytes += bytes.len() as u64;
        self.out.write_all(bytes).map_err(|error| BackupError::file(&self.path, error))
    }
}

/// A backup during reading.
pub(super) struct ArchiveReader {
    path: PathBuf,
    from: BufReader<File>,
    digest: Sha256,
    bytes: u64,
    begin: Option<ArchiveHead>,
    rows: BTreeMap<String, u64>,
    ended: bool,
}

impl ArchiveReader {
    pub(super) fn open(path: &Path) -> Result<ArchiveReader, BackupError> {
        let from = File::open(path).map_err(|error| BackupError::file(path, error))?;
        let mut archive = ArchiveReader {
            path: path.to_owned(),
            from: BufReader::new(from),
            digest: Sha256::new(),
            bytes: 0,
            begin: None,
            rows: BTreeMap::new(),
            ended: false,
        };
        let mut magic = [0; MAGIC.len()];
        archive.read(&mut magic)?;
        if magic[..MAGIC.len() - 1] != MAGIC[..MAGIC.len() - 1] {
            return Err(archive.damaged("it is no backup of watchfire"));
        }
        if magic != *MAGIC {
            return Err(archive.damaged("its format is of a later release"));
        }
        Ok(archive)
    }

    /// The next part, its checksum verified; `None` after the end, which is verified to cover all parts.
    pub(super) fn next(&mut self) -> Result<Option<ArchivePart>, BackupError> {
        if self.ended {
            return Ok(None);
        }
        let before: [u8; 32] = self.digest.clone().finalize().into();
        let mut length = [0; 4];
        self.read(&mut length)?;
        let length = u32::from_le_bytes(length);
        if length > PART_MAX_BYTES {
            return Err(self.damaged("a part claims to be larger than any is"));
        }
        let mut sealed = vec![0; length as usize];
        self.read(&mut sealed)?;
        let plain = codec::unseal(&sealed).map_err(|reason| self.damaged(&reason))?;
        let part: ArchivePart = postcard::from_bytes(&plain).map_err(|error| self.damaged(&error.to_string()))?;
        match &part {
            ArchivePart::ArchiveHead(begin) if self.begin.is_none() => self.begin = Some(begin.clone()),
            ArchivePart::Rows(rows) if self.begin.is_some() => {
                *self.rows.entry(rows.table.clone()).or_default() += rows.rows.len() as u64;
            }
            ArchivePart::End(end) => self.end(end, before)?,
            ArchivePart::ArchiveHead(_) | ArchivePart::Rows(_) => {
                return Err(self.damaged("its parts are out of order"));
            }
        }
        Ok(Some(part))
    }

    /// Its contents; valid after its end.
    pub(super) fn contents(self) -> Result<ArchiveContents, BackupError> {
        match &self.begin {
            Some(begin) if self.ended => Ok(ArchiveContents::new(begin, self.rows, self.bytes)),
            Some(_) | None => Err(self.damaged("it has no end")),
        }
    }

    pub(super) fn damaged(&self, reason: &str) -> BackupError {
        BackupError::damaged(&self.path, reason)
    }

    fn end(&mut self, end: &End, digest: [u8; 32]) -> Result<(), BackupError> {
        let empty = end.rows.iter().filter(|(_, rows)| **rows == 0).map(|(table, _)| (table.clone(), 0));
        self.rows.extend(empty);
        if end.digest != digest || end.rows != self.rows {
            return Err(self.damaged("its end does not fit what came before"));
        }
        let mut more = [0];
        if self.from.read(&mut more).map_err(|error| BackupError::file(&self.path, error))? > 0 {
            return Err(self.damaged("something follows its end"));
        }
        self.ended = true;
        Ok(())
    }

    fn read(&mut self, into: &mut [u8]) -> Result<(), BackupError> {
        self.from.read_exact(into).map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => self.damaged("it ends too early"),
            _ => BackupError::file(&self.path, error),
        })?;
        self.digest.update(&*into);
        self.bytes += into.len() as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backup_reads_back_and_every_flipped_or_missing_byte_is_seen() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("备份");
        let mut writer = ArchiveWriter::create(&path).unwrap();
        writer.begin(Timestamp::from_seconds(9), 5, vec![(0, 3), (64, 7)]).unwrap();
        writer.table("nothing");
        let row = vec![
            ArchiveCell::Int(-1),
            ArchiveCell::Text("广州".to_owned()),
            ArchiveCell::Bytes(vec![0, 255]),
            ArchiveCell::Null,
        ];
        let columns = ["a", "b", "c", "d"].map(str::to_owned).to_vec();
        writer.rows(TableRows { table: "t".to_owned(), columns, rows: vec![row; 3] }).unwrap();
        let written = writer.end().unwrap();
        let read = |path: &Path| {
            let mut reader = ArchiveReader::open(path)?;
            while reader.next()?.is_some() {}
            reader.contents()
        };
        assert_eq!(read(&path).unwrap(), written);
        assert_eq!(written.rows, BTreeMap::from([("nothing".to_owned(), 0), ("t".to_owned(), 3)]));
        let whole = std::fs::read(&path).unwrap();
        assert_eq!(written.bytes, whole.len() as u64);
        for index in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[index] ^= 0x10;
            std::fs::write(&path, &damaged).unwrap();
            assert!(read(&path).is_err(), "byte {index} flipped");
            std::fs::write(&path, &whole[..index]).unwrap();
            assert!(read(&path).is_err(), "cut at {index}");
        }
        std::fs::write(&path, [&whole[..], b"x"].concat()).unwrap();
        assert!(read(&path).is_err(), "something behind the end");
    }
}
