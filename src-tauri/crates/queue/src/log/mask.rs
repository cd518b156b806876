//! Secrets are taken out before anything reaches the disk.

use std::sync::{PoisonError, RwLock};

/// What stands in the place of a secret.
const MASKED: &str = "[secret]";

/// The secrets of one attempt.
#[derive(Default)]
pub(crate) struct Mask {
    /// Longest first, so that a secret that holds another is taken out whole.
    words: RwLock<Vec<String>>,
}

impl Mask {
    pub fn add(&self, secret: &str) {
        let encoded: String = secret
            .bytes()
            .map(|byte| {
                if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                    char::from(byte).to_string()
                } else {
                    format!("%{byte:02X}")
                }
            })
            .collect();
        let quoted = serde_json::to_string(secret).unwrap_or_default();
        let quoted = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default().to_owned();
        let mut words = self.words.write().unwrap_or_else(PoisonError::into_inner);
        for word in [secret.to_owned(), encoded, quoted] {
            if !word.is_empty() && !words.contains(&word) {
                words.push(word);
            }
        }
        words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    }

    pub fn apply(&self, text: &str) -> String {
        let words = self.words.read().unwrap_or_else(PoisonError::into_inner);
        let mut text = text.to_owned();
        for word in words.iter() {
            if text.contains(word.as_str()) {
                text = text.replace(word.as_str(), MASKED);
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_masked_plain_and_as_part_of_an_address_or_json() {
        let mask = Mask::default();
        mask.add("p@ss \"word\"");
        let text = r#"p@ss "word" mysql://u:p%40ss%20%22word%22@h {"pw":"p@ss \"word\""}"#;
        assert_eq!(mask.apply(text), r#"[secret] mysql://u:[secret]@h {"pw":"[secret]"}"#);
    }

    #[test]
    fn the_longer_of_two_secrets_goes_first() {
        let mask = Mask::default();
        mask.add("abc");
        mask.add("abcdef");
        assert_eq!(mask.apply("abcdef abc"), "[secret] [secret]");
    }
}
