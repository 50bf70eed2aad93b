//! FNV-1a, a hash that stays the same in every version: it is stored.

pub(super) const FNV_OFFSET: u64 = 14_695_981_039_346_656_037;

const FNV_PRIME: u64 = 1_099_511_628_211;

/// FNV-1a, 64 bits.
pub(crate) fn fnv1a(bytes: &[u8]) -> u64 {
    fnv1a_more(FNV_OFFSET, bytes)
}

pub(super) fn fnv1a_more(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(FNV_PRIME))
}

/// FNV-1a of one pair, as a fingerprint takes it.
pub(crate) fn fnv1a_pair(name: &str, value: &str) -> u64 {
    fnv1a_more(fnv1a_more(fnv1a_more(FNV_OFFSET, name.as_bytes()), &[0xFF]), value.as_bytes())
}
