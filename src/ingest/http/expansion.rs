//! Compressed bodies: gzip, zstd and deflate, expanded as far as an uncompressed body may go.

use std::io::Read;

use axum::body::Bytes;
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use ruzstd::decoding::{FrameDecoder, StreamingDecoder};

use super::refusal::NotTaken;
use crate::core::model::excerpt;

/// How much a zstd frame may make us remember, in bytes: what RFC 8878 asks every decoder to take.
const ZSTD_WINDOW_MAX: u64 = 8 << 20;
/// A smaller body is expanded where it is read; a larger one beside the threads that serve requests.
const APART_BYTES: usize = 16 << 10;

/// How a body is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Gzip,
    Zstd,
    /// zlib's format (RFC 9110), or raw deflate, as some senders understand the word.
    Deflate,
}

impl Encoding {
    /// What a Content-Encoding says; `None` for a body that is as it is.
    pub fn of(header: &str) -> Result<Option<Encoding>, NotTaken> {
        match header.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Ok(None),
            "gzip" | "x-gzip" => Ok(Some(Encoding::Gzip)),
            "zstd" => Ok(Some(Encoding::Zstd)),
            "deflate" => Ok(Some(Encoding::Deflate)),
            _ => Err(NotTaken::Encoded(excerpt(header))),
        }
    }

    /// The body as it was; at most `limit` bytes of it are ever held.
    pub async fn expand(self, packed: Bytes, limit: usize) -> Result<Bytes, NotTaken> {
        if packed.len() <= APART_BYTES {
            return self.expand_here(&packed, limit);
        }
        let apart = tokio::task::spawn_blocking(move || self.expand_here(&packed, limit)).await;
        apart.unwrap_or_else(|_| Err(NotTaken::Broken("its decoder failed".to_owned())))
    }

    fn expand_here(self, packed: &[u8], limit: usize) -> Result<Bytes, NotTaken> {
        match self {
            Encoding::Gzip => all(MultiGzDecoder::new(packed), limit),
            Encoding::Zstd => zstd(packed, limit),
            Encoding::Deflate => match all(ZlibDecoder::new(packed), limit) {
                Err(NotTaken::Broken(_)) => all(DeflateDecoder::new(packed), limit),
                read => read,
            },
        }
    }
}

fn zstd(packed: &[u8], limit: usize) -> Result<Bytes, NotTaken> {
    let mut decoder = FrameDecoder::new();
    decoder.set_max_window_size(ZSTD_WINDOW_MAX);
    let frame = StreamingDecoder::new_with_decoder(packed, decoder);
    all(frame.map_err(|error| NotTaken::Broken(error.to_string()))?, limit)
}

fn all(unpacked: impl Read, limit: usize) -> Result<Bytes, NotTaken> {
    let mut bytes = Vec::new();
    let room = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    unpacked.take(room).read_to_end(&mut bytes).map_err(|error| NotTaken::Broken(error.to_string()))?;
    if bytes.len() > limit { Err(NotTaken::TooLarge { limit }) } else { Ok(bytes.into()) }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    use super::*;

    fn packed(encoding: &str, plain: &[u8]) -> Vec<u8> {
        let level = Compression::best();
        match encoding {
            "gzip" => GzEncoder::new(Vec::new(), level).pack(plain),
            "deflate" => ZlibEncoder::new(Vec::new(), level).pack(plain),
            "raw" => DeflateEncoder::new(Vec::new(), level).pack(plain),
            _ => ruzstd::encoding::compress_to_vec(plain, ruzstd::encoding::CompressionLevel::Fastest),
        }
    }

    trait Pack {
        fn pack(self, plain: &[u8]) -> Vec<u8>;
    }

    macro_rules! pack {
        ($($encoder:ident),*) => {$(impl Pack for $encoder<Vec<u8>> {
            fn pack(mut self, plain: &[u8]) -> Vec<u8> {
                self.write_all(plain).unwrap();
                self.finish().unwrap()
            }
        })*};
    }

    pack!(GzEncoder, ZlibEncoder, DeflateEncoder);

    fn expand(encoding: &str, packed: &[u8], limit: usize) -> Result<Bytes, String> {
        let header = if encoding == "raw" { "deflate" } else { encoding };
        let encoding = Encoding::of(header).unwrap().unwrap();
        encoding.expand_here(packed, limit).map_err(|error| error.to_string())
    }

    #[test]
    fn bodies_come_back_as_they_were_and_never_larger_than_the_limit() {
        let plain = "{\"labels\": {\"alertname\": \"磁盘\"}}".repeat(1_000);
        let bomb = vec![0; 8 << 20];
        for encoding in ["gzip", "deflate", "raw", "zstd"] {
            let there = packed(encoding, plain.as_bytes());
            assert_eq!(expand(encoding, &there, plain.len()).unwrap(), plain.as_bytes(), "{encoding}");
            let small = expand(encoding, &there, plain.len() - 1).unwrap_err();
            assert!(small.contains("larger than"), "{encoding}: {small}");
            assert!(
                expand(encoding, &packed(encoding, &bomb), 1 << 20).unwrap_err().contains("larger than"),
                "{encoding}"
            );
            let cut = expand(encoding, &there[..there.len() / 2], 1 << 20).unwrap_err();
            assert!(cut.contains("cannot be expanded"), "{encoding}: {cut}");
        }
        assert!(expand("gzip", b"plain text", 100).unwrap_err().contains("cannot be expanded"));
        assert!(matches!(Encoding::of("br"), Err(NotTaken::Encoded(_))));
        assert!(matches!(Encoding::of("identity"), Ok(None)));
    }
}
