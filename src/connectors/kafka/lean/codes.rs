//! The numbers by which brokers say what is wrong. <https://kafka.apache.org/protocol.html#protocol_error_codes>

use rdkafka::types::RDKafkaRespErr;

use crate::connectors::kafka::context::code_words;

pub const NONE: i16 = 0;
pub const OUT_OF_RANGE: i16 = 1;
pub const UNKNOWN_TOPIC: i16 = 3;

/// True where another leader may do better, or the same one later: unknown server error, unknown topic, no leader, not
/// the leader, timeout, broker or replica not available, network, storage, listener, the leader's term (twice), offset
/// not available, topic ids (twice).
pub fn passes(code: i16) -> bool {
    matches!(code, -1 | UNKNOWN_TOPIC | 5 | 6 | 7 | 8 | 9 | 13 | 56 | 72 | 74 | 75 | 78 | 100 | 103)
}

/// What a number means, in librdkafka's words.
pub fn words(code: i16) -> String {
    match RDKafkaRespErr::try_from(i32::from(code)) {
        Ok(code) => code_words(code.into()),
        Err(_) => format!("error {code}"),
    }
}
