//! The login by SCRAM, which shows no password to whoever listens. <https://datatracker.ietf.org/doc/html/rfc5802>

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256, Sha512};

/// No channel binding, as `n,,` in base64.
const UNBOUND: &str = "c=biws";
/// What the client is asked to do at most, and at least for it to be worth something.
const ITERATIONS: std::ops::RangeInclusive<u32> = 4096..=1_000_000;

/// The hash that both sides use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hash {
    Sha256,
    Sha512,
}

impl Hash {
    fn digest(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::digest(bytes).to_vec(),
            Self::Sha512 => Sha512::digest(bytes).to_vec(),
        }
    }

    fn sign(self, key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
        fn signed<M: Mac + KeyInit>(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
            // A key of any length will do.
            let Ok(mut mac) = <M as KeyInit>::new_from_slice(key) else { return Vec::new() };
            parts.iter().for_each(|part| mac.update(part));
            mac.finalize().into_bytes().to_vec()
        }
        match self {
            Self::Sha256 => signed::<Hmac<Sha256>>(key, parts),
            Self::Sha512 => signed::<Hmac<Sha512>>(key, parts),
        }
    }

    /// The password as it is stored: hashed with salt, again and again.
    fn salted(self, password: &[u8], salt: &[u8], iterations: u32) -> Vec<u8> {
        let mut last = self.sign(password, &[salt, &1u32.to_be_bytes()]);
        let mut salted = last.clone();
        for _ in 1..iterations {
            last = self.sign(password, &[&last]);
            xor(&mut salted, &last);
        }
        salted
    }
}

fn xor(bytes: &mut [u8], with: &[u8]) {
    for (byte, other) in bytes.iter_mut().zip(with) {
        *byte ^= other;
    }
}

/// One login on its way: two messages are sent, and two answers heard.
pub struct Scram {
    hash: Hash,
    password: String,
    nonce: String,
    /// The first message without its head.
    first: String,
    /// What the server must say in the end.
    expected: Vec<u8>,
}

impl Scram {
    pub fn new(hash: Hash, user: &str, password: &str) -> Self {
        Self::with_nonce(hash, user, password, BASE64.encode(rand::random::<[u8; 18]>()))
    }

    fn with_nonce(hash: Hash, user: &str, password: &str, nonce: String) -> Self {
        let user = user.replace('=', "=3D").replace(',', "=2C");
        Self { hash, password: password.into(), first: format!("n={user},r={nonce}"), nonce, expected: Vec::new() }
    }

    pub fn first_message(&self) -> Vec<u8> {
        format!("n,,{}", self.first).into_bytes()
    }

    /// The second message, which proves that we know the password; or why there is none.
    pub fn second_message(&mut self, answer: &[u8]) -> Result<Vec<u8>, String> {
        let answer = std::str::from_utf8(answer).map_err(|_| "the broker's answer is no text")?;
        let nonce = field(answer, "r=").ok_or("the broker gave no nonce")?;
        let salt = field(answer, "s=").and_then(|salt| BASE64.decode(salt).ok()).ok_or("the broker gave no salt")?;
        let iterations: u32 =
            field(answer, "i=").and_then(|i| i.parse().ok()).ok_or("the broker gave no iterations")?;
        if !nonce.starts_with(&self.nonce) {
            return Err("the broker's nonce isn't ours".into());
        }
        if !ITERATIONS.contains(&iterations) {
            return Err(format!("the broker asks for {iterations} iterations, which is too few or too many"));
        }
        let hash = self.hash;
        let salted = hash.salted(self.password.as_bytes(), &salt, iterations);
        let said = format!("{UNBOUND},r={nonce}");
        let all = [self.first.as_bytes(), b",", answer.as_bytes(), b",", said.as_bytes()];
        let mut proof = hash.sign(&salted, &[b"Client Key"]);
        let signature = hash.sign(&hash.digest(&proof), &all);
        xor(&mut proof, &signature);
        self.expected = hash.sign(&hash.sign(&salted, &[b"Server Key"]), &all);
        Ok(format!("{said},p={}", BASE64.encode(proof)).into_bytes())
    }

    /// Whether the broker knows the password, too.
    pub fn check(&self, answer: &[u8]) -> Result<(), String> {
        let answer = std::str::from_utf8(answer).unwrap_or_default();
        if let Some(error) = field(answer, "e=") {
            return Err(error.to_string());
        }
        let signature = field(answer, "v=").and_then(|signature| BASE64.decode(signature).ok());
        match signature {
            Some(signature) if signature == self.expected => Ok(()),
            _ => Err("the broker can't show that it knows the password".into()),
        }
    }
}

fn field<'t>(message: &'t str, name: &str) -> Option<&'t str> {
    message.split(',').find_map(|field| field.strip_prefix(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7677.
    #[test]
    fn the_login_of_the_standard_is_ours() {
        let nonce = "rOprNGfwEbeRWgbNEkqO".to_string();
        let mut scram = Scram::with_nonce(Hash::Sha256, "user", "pencil", nonce);
        assert_eq!(scram.first_message(), b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
        let answer = b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
        let second = String::from_utf8(scram.second_message(answer).unwrap()).unwrap();
        let expected = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                        p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
        assert_eq!(second, expected);
        assert_eq!(scram.check(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="), Ok(()));
        assert!(scram.check(b"v=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=").is_err());
        assert_eq!(scram.check(b"e=other-error"), Err("other-error".into()));
    }

    #[test]
    fn an_answer_that_weakens_the_login_is_refused() {
        let second =
            |answer: &str| Scram::with_nonce(Hash::Sha512, "a=b,c", "p", "n".into()).second_message(answer.as_bytes());
        assert!(second("r=nm,s=AAAA,i=4096").is_ok());
        for answer in ["r=m,s=AAAA,i=4096", "r=nm,s=AAAA,i=1", "r=nm,s=AAAA,i=2000000000", "r=nm,s=?,i=4096", ""] {
            assert!(second(answer).is_err(), "{answer}");
        }
        let scram = Scram::with_nonce(Hash::Sha512, "a=b,c", "p", "n".into());
        assert_eq!(scram.first_message(), b"n,,n=a=3Db=2Cc,r=n");
    }
}
