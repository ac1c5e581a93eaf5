//! A digest: 32 bytes that stand for a configuration.

use std::fmt;

use sha2::{Digest as _, Sha256};

/// SHA-256 over names, kinds and contents; the same on every replica that mounts the same data.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// One digest for the digests of several watched paths, in their order.
    pub fn combined(digests: &[Digest]) -> Self {
        if let [only] = digests {
            *only
        } else {
            Self::of(&digests.iter().map(Self::bytes).collect::<Vec<_>>())
        }
    }

    /// The digest of these fields.
    pub(super) fn of(fields: &[&[u8]]) -> Self {
        let mut hasher = Hasher::default();
        for field in fields {
            hasher.field(field);
        }
        hasher.finish()
    }

    #[cfg(test)]
    pub(crate) fn for_tests(number: u8) -> Self {
        Self([number; 32])
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The first 12 hexadecimal digits: enough to tell configurations apart in a log.
impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = [0; 8];
        shown[2..].copy_from_slice(&self.0[..6]);
        write!(f, "{:012x}", u64::from_be_bytes(shown))
    }
}

#[derive(Default)]
pub(super) struct Hasher(Sha256);

impl Hasher {
    /// A field with its length, so that no two lists of fields are the same bytes.
    pub(super) fn field(&mut self, bytes: &[u8]) {
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    /// Bytes of one field that comes in parts.
    pub(super) fn part(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(super) fn finish(self) -> Digest {
        Digest(self.0.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(fields: &[&[u8]]) -> Digest {
        let mut hasher = Hasher::default();
        for field in fields {
            hasher.field(field);
        }
        hasher.finish()
    }

    #[test]
    fn fields_do_not_run_into_each_other() {
        assert_ne!(digest(&[b"ab", b"c"]), digest(&[b"a", b"bc"]));
        assert_ne!(digest(&[b"", b"a"]), digest(&[b"a", b""]));
        assert_eq!(digest(&[b"a"]), digest(&[b"a"]));
    }

    #[test]
    fn order_of_paths_matters_and_one_path_is_itself() {
        let (a, b) = (digest(&[b"a"]), digest(&[b"b"]));
        assert_eq!(Digest::combined(&[a]), a);
        assert_ne!(Digest::combined(&[a, b]), Digest::combined(&[b, a]));
    }

    #[test]
    fn twelve_digits_are_shown() {
        // `printf '' | sha256sum`
        assert_eq!(Hasher::default().finish().to_string(), "e3b0c44298fc");
    }
}
