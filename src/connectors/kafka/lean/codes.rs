//! The numbers by which brokers say what is wrong. <https://kafka.apache.org/protocol.html#protocol_error_codes>

use rdkafka::error::RDKafkaErrorCode;
use rdkafka::types::RDKafkaRespErr;

use crate::connectors::kafka::context::{code_words, is_retriable};

pub const NONE: i16 = 0;
pub const OUT_OF_RANGE: i16 = 1;
pub const UNKNOWN_TOPIC: i16 = 3;
pub const NO_LEADER: i16 = 5;

/// True where another leader may do better, or the same one later. Beside what librdkafka says of: unknown server error,
/// which Java's client passes over, too; unknown topic, listener, topic ids (twice).
pub fn passes(code: i16) -> bool {
    matches!(code, -1 | UNKNOWN_TOPIC | 72 | 100 | 103) || known(code).is_some_and(is_retriable)
}

fn known(code: i16) -> Option<RDKafkaErrorCode> {
    RDKafkaRespErr::try_from(i32::from(code)).ok().map(Into::into)
}

/// What a number means, in librdkafka's words.
pub fn words(code: i16) -> String {
    known(code).map_or_else(|| format!("error {code}"), code_words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_is_what_another_try_may_mend() {
        for code in [-1, 3, 5, 6, 7, 8, 9, 13, 56, 72, 74, 75, 78, 100, 103] {
            assert!(passes(code), "{code}: {}", words(code));
        }
        for code in [NONE, OUT_OF_RANGE, 2, 10, 17, 29, 35, 42, 43, 76, 500] {
            assert!(!passes(code), "{code}: {}", words(code));
        }
        assert_eq!((words(NO_LEADER).as_str(), words(500).as_str()), ("leader not available", "error 500"));
    }
}
