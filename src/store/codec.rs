//! The bytes of blocks and sections: their format on disk, and the proof that they are unchanged.
//!
//! A sealed piece is a version byte, the CRC-32 of the rest (4 bytes, little-endian), and LZ4 with its plain size in
//! front.

use postcard::ser_flavors::Flavor;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::core::engine::{Effect, JournalEntry};

const VERSION: u8 = 1;
const HEADER: usize = 5;
/// Maximum accepted plain size, because a damaged length must not become an allocation.
const PLAIN_MAX_BYTES: usize = 1 << 30;

/// SHA-256 over the effects in order, to compare with a replay by another release.
pub fn effects_hash(effects: &[Effect]) -> Result<[u8; 32], postcard::Error> {
    postcard::serialize_with_flavor(effects, Hashing { digest: Sha256::new(), pending: Vec::with_capacity(PENDING) })
}

/// Hashes serialised bytes instead of keeping them, because the effects of a full block are megabytes.
struct Hashing {
    digest: Sha256,
    /// Small pieces, collected.
    pending: Vec<u8>,
}

const PENDING: usize = 4_096;

impl Flavor for Hashing {
    type Output = [u8; 32];

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.try_extend(&[byte])
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        if self.pending.len() + bytes.len() > PENDING {
            self.digest.update(&self.pending);
            self.pending.clear();
        }
        if bytes.len() > PENDING {
            self.digest.update(bytes);
        } else {
            self.pending.extend_from_slice(bytes);
        }
        Ok(())
    }

    fn finalize(mut self) -> postcard::Result<[u8; 32]> {
        self.digest.update(&self.pending);
        Ok(self.digest.finalize().into())
    }
}

pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

pub(super) fn seal(plain: &[u8]) -> Vec<u8> {
    let packed = lz4_flex::block::compress_prepend_size(plain);
    let mut sealed = Vec::with_capacity(HEADER + packed.len());
    sealed.push(VERSION);
    sealed.extend_from_slice(&crc32fast::hash(&packed).to_le_bytes());
    sealed.extend_from_slice(&packed);
    sealed
}

/// The plain bytes, or the error of the sealed ones.
pub(super) fn unseal(sealed: &[u8]) -> Result<Vec<u8>, String> {
    let Some((&[version, a, b, c, d], packed)) = sealed.split_first_chunk::<HEADER>() else {
        return Err(format!("{} bytes are too short to be a sealed piece", sealed.len()));
    };
    if version != VERSION {
        return Err(format!("version {version} is not known to this release, which writes {VERSION}"));
    }
    if crc32fast::hash(packed) != u32::from_le_bytes([a, b, c, d]) {
        return Err("the checksum does not fit the bytes".to_owned());
    }
    let (size, block) = lz4_flex::block::uncompressed_size(packed).map_err(|error| error.to_string())?;
    if size > PLAIN_MAX_BYTES {
        return Err(format!("it claims {size} plain bytes; at most {PLAIN_MAX_BYTES} are believed"));
    }
    lz4_flex::block::decompress(block, size).map_err(|error| error.to_string())
}

/// A block's body. Takes references, so that a batch's entries need no copy; the bytes are those of `Vec<Entry>`.
pub(super) fn seal_entries(entries: &[&JournalEntry]) -> Result<Vec<u8>, postcard::Error> {
    Ok(seal(&postcard::to_allocvec(entries)?))
}

pub(super) fn unseal_entries(body: &[u8]) -> Result<Vec<JournalEntry>, String> {
    postcard::from_bytes(&unseal(body)?).map_err(|error| error.to_string())
}

/// A record's JSON.
pub(super) fn json(record: &impl Serialize) -> Result<String, serde_json::Error> {
    serde_json::to_string(record)
}

pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing into a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// 32 bytes from 64 hex digits.
pub(super) fn from_hex(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    let mut bytes = [0; 32];
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[index * 2..index * 2 + 2], 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::engine::{Control, Input};
    use crate::core::model::{Offset, Timestamp};

    fn entries() -> Vec<JournalEntry> {
        let entry = |n| JournalEntry {
            offset: Offset(n),
            now: Timestamp::from_seconds(9),
            input: Input::Control(Control::Tick),
        };
        (0..100).map(entry).collect()
    }

    #[test]
    fn a_block_reads_back_and_every_flipped_byte_is_seen() {
        let entries = entries();
        let sealed = seal_entries(&entries.iter().collect::<Vec<_>>()).unwrap();
        assert_eq!(unseal_entries(&sealed).unwrap(), entries);
        for index in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[index] ^= 0x10;
            assert!(unseal_entries(&damaged).is_err(), "byte {index}");
        }
        for length in 0..sealed.len() {
            assert!(unseal_entries(&sealed[..length]).is_err(), "cut at {length}");
        }
    }

    #[test]
    fn what_is_hashed_on_the_way_has_the_hash_of_the_whole() {
        for length in [0, 1, PENDING - 3, PENDING - 2, PENDING - 1, PENDING, PENDING + 1, 3 * PENDING] {
            let texts = ["一线".repeat(length / 6), "x".repeat(length), "x".repeat(length % 7)];
            let hashing = Hashing { digest: Sha256::new(), pending: Vec::new() };
            let hash = postcard::serialize_with_flavor(&texts, hashing).unwrap();
            assert_eq!(hash, sha256(&postcard::to_allocvec(&texts).unwrap()), "{length}");
        }
    }

    #[test]
    fn a_claimed_size_is_not_believed() {
        let mut packed = u32::MAX.to_le_bytes().to_vec();
        packed.extend_from_slice(&[0; 16]);
        let mut sealed = vec![VERSION];
        sealed.extend_from_slice(&crc32fast::hash(&packed).to_le_bytes());
        sealed.extend_from_slice(&packed);
        assert!(unseal(&sealed).unwrap_err().contains("believed"));
    }

    #[test]
    fn hex_reads_back_and_refuses_what_is_not_hex() {
        let digest = sha256("广州".as_bytes());
        assert_eq!(from_hex(&hex(&digest)), Some(digest));
        let not_hex = "g".repeat(64);
        for text in ["", "00", not_hex.as_str(), "广州广州广州广州广州广州广州广州广州广州a"] {
            assert_eq!(from_hex(text), None, "{text}");
        }
    }
}
