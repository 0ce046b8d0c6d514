//! SCRAM credentials as they are stored for a user (`ScramFormatter`, `ScramCredentialUtils`):
//! of a salted password only what a server needs is kept (RFC 5802).
//!
//! Example: `salt=c2FsdA==,stored_key=...,server_key=...,iterations=4096`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256, Sha512};

/// The most iterations that are accepted; the fewest are [`MIN_ITERATIONS`].
pub const MAX_ITERATIONS: i32 = 16384;
/// The fewest iterations that are accepted, for both mechanisms.
pub const MIN_ITERATIONS: i32 = 4096;

/// A mechanism; the discriminant is its byte on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mechanism {
    /// SCRAM-SHA-256.
    Sha256 = 1,
    /// SCRAM-SHA-512.
    Sha512 = 2,
}

impl Mechanism {
    /// Both.
    pub const ALL: [Mechanism; 2] = [Mechanism::Sha256, Mechanism::Sha512];

    /// The mechanism with this byte.
    pub fn from_byte(byte: i8) -> Option<Mechanism> {
        Mechanism::ALL.into_iter().find(|mechanism| *mechanism as i8 == byte)
    }

    /// Its name, which is also the key under which a credential is stored.
    pub fn name(self) -> &'static str {
        match self {
            Mechanism::Sha256 => "SCRAM-SHA-256",
            Mechanism::Sha512 => "SCRAM-SHA-512",
        }
    }

    fn hash(self, data: &[u8]) -> Vec<u8> {
        match self {
            Mechanism::Sha256 => Sha256::digest(data).to_vec(),
            Mechanism::Sha512 => Sha512::digest(data).to_vec(),
        }
    }

    fn keyed(self, key: &[u8], text: &[u8]) -> Vec<u8> {
        fn run<M: Mac + KeyInit>(key: &[u8], text: &[u8]) -> Vec<u8> {
            let Ok(mut mac) = <M as KeyInit>::new_from_slice(key) else {
                unreachable!("a key of any length is taken")
            };
            mac.update(text);
            mac.finalize().into_bytes().to_vec()
        }
        match self {
            Mechanism::Sha256 => run::<Hmac<Sha256>>(key, text),
            Mechanism::Sha512 => run::<Hmac<Sha512>>(key, text),
        }
    }
}

/// What is stored for a password that the client has salted.
pub fn credential(mechanism: Mechanism, salt: &[u8], salted: &[u8], iterations: i32) -> String {
    let stored_key = mechanism.hash(&mechanism.keyed(salted, b"Client Key"));
    let server_key = mechanism.keyed(salted, b"Server Key");
    format!(
        "salt={},stored_key={},server_key={},iterations={iterations}",
        BASE64.encode(salt),
        BASE64.encode(stored_key),
        BASE64.encode(server_key)
    )
}

/// The iterations of a stored credential; `None` if it is none.
pub fn iterations(stored: &str) -> Option<i32> {
    let fields = stored.split(',').map(str::trim);
    fields.filter_map(|field| field.strip_prefix("iterations=")).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7677, section 3: user `user`, password `pencil`.
    #[test]
    fn a_credential_is_that_of_the_rfc() {
        let salt = BASE64.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        let salted = BASE64.decode("xKSVEDI6tPlSysH6mUQZOeeOp01r6B3fcJbodRPcYV0=").unwrap();
        let text = credential(Mechanism::Sha256, &salt, &salted, 4096);
        assert_eq!(
            text,
            "salt=W22ZaJ0SNY7soEsUEjb6gQ==,stored_key=WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=,\
             server_key=wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=,iterations=4096"
        );
        assert_eq!(iterations(&text), Some(4096));
        assert_eq!(iterations("salt=x"), None);
    }
}
