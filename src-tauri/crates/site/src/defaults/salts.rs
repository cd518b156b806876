use crate::{Problem, Result};

/// The keys and salts from which WordPress makes its cookies and nonces.
pub(crate) const NAMES: [&str; 8] = [
    "AUTH_KEY",
    "SECURE_AUTH_KEY",
    "LOGGED_IN_KEY",
    "NONCE_KEY",
    "AUTH_SALT",
    "SECURE_AUTH_SALT",
    "LOGGED_IN_SALT",
    "NONCE_SALT",
];

const SALT: &[u8] =
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#%&()*+,-./:;<=>?@[]^_{|}~";
const PASSWORD: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";

/// A new salt of 64 characters.
pub(crate) fn salt() -> Result<String> {
    random(SALT, 64)
}

/// A new password of 20 letters and digits that cannot be mistaken for each other.
pub(crate) fn password() -> Result<String> {
    random(PASSWORD, 20)
}

/// A name of 16 letters and digits that nobody can guess.
pub(crate) fn token() -> Result<String> {
    random(b"abcdefghijklmnopqrstuvwxyz0123456789", 16)
}

/// `length` characters of `alphabet`, each as likely as the others, from the operating system's random source.
fn random(alphabet: &[u8], length: usize) -> Result<String> {
    let fair = 256 - 256 % alphabet.len();
    let mut text = String::with_capacity(length);
    while text.len() < length {
        let mut bytes = [0; 128];
        getrandom::fill(&mut bytes).map_err(|error| {
            Problem::transient("random.missing", format!("The system gives no random numbers: {error}."))
        })?;
        let characters = bytes.iter().filter(|byte| usize::from(**byte) < fair);
        text.extend(
            characters
                .map(|byte| char::from(alphabet[usize::from(*byte) % alphabet.len()]))
                .take(length - text.len()),
        );
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn salts_differ_and_use_the_whole_alphabet() {
        let salts: Vec<_> = (0..200).map(|_| salt().unwrap()).collect();
        assert_eq!(salts.iter().collect::<BTreeSet<_>>().len(), salts.len());
        assert!(salts.iter().all(|salt| salt.len() == 64));
        let seen: BTreeSet<u8> = salts.concat().bytes().collect();
        assert_eq!(seen, SALT.iter().copied().collect());
    }
}
