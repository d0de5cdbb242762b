//! Fields of Kafka's protocol: numbers, texts and arrays, read out of an answer or written into a request.
//!
//! Only versions without compact fields are spoken, so one spelling of texts and arrays does for all requests.
//! <https://kafka.apache.org/protocol.html#protocol_types>

use bytes::Bytes;

/// An answer that isn't what the protocol says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

/// What a request asks.
#[allow(clippy::enum_variant_names)] // the names are the protocol's
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    Fetch = 1,
    Metadata = 3,
    SaslHandshake = 17,
    ApiVersions = 18,
    OffsetForLeaderEpoch = 23,
    SaslAuthenticate = 36,
}

/// A request that is being written.
pub struct Request {
    bytes: Vec<u8>,
}

/// Where the number of a request stands in it: behind its size, what it asks and in which version.
const NUMBER: usize = 8;

impl Request {
    /// A request with its header.
    pub fn new(api: Api, version: i16, client_id: &str) -> Self {
        let mut request = Self { bytes: vec![0; 4] };
        request.i16(api as i16);
        request.i16(version);
        request.i32(0);
        request.text(client_id);
        request
    }

    pub fn i8(&mut self, value: i8) {
        self.bytes.extend_from_slice(&value.to_be_bytes());
    }

    pub fn i16(&mut self, value: i16) {
        self.bytes.extend_from_slice(&value.to_be_bytes());
    }

    pub fn i32(&mut self, value: i32) {
        self.bytes.extend_from_slice(&value.to_be_bytes());
    }

    pub fn i64(&mut self, value: i64) {
        self.bytes.extend_from_slice(&value.to_be_bytes());
    }

    /// A text of less than 32 KiB, as names are.
    pub fn text(&mut self, value: &str) {
        self.i16(value.len() as i16);
        self.bytes.extend_from_slice(value.as_bytes());
    }

    pub fn bytes(&mut self, value: &[u8]) {
        self.i32(value.len() as i32);
        self.bytes.extend_from_slice(value);
    }

    /// How many elements follow.
    pub fn count(&mut self, count: usize) {
        self.i32(count as i32);
    }

    /// The request as it goes over the wire under this number.
    pub fn finish(mut self, number: i32) -> Vec<u8> {
        let size = (self.bytes.len() - 4) as i32;
        self.bytes[..4].copy_from_slice(&size.to_be_bytes());
        self.bytes[NUMBER..NUMBER + 4].copy_from_slice(&number.to_be_bytes());
        self.bytes
    }
}

/// An answer that is being read, field by field.
pub struct Answer {
    bytes: Bytes,
    at: usize,
}

/// An array has no more elements, as a rule; else it grows with them.
const USUAL_COUNT: usize = 256;

impl Answer {
    pub fn new(bytes: Bytes) -> Self {
        Self { bytes, at: 0 }
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let field = self.bytes.get(self.at..self.at + N).ok_or(Malformed)?;
        self.at += N;
        field.try_into().map_err(|_| Malformed)
    }

    pub fn bool(&mut self) -> Result<bool, Malformed> {
        Ok(self.take::<1>()? != [0])
    }

    pub fn i16(&mut self) -> Result<i16, Malformed> {
        self.take().map(i16::from_be_bytes)
    }

    pub fn i32(&mut self) -> Result<i32, Malformed> {
        self.take().map(i32::from_be_bytes)
    }

    pub fn i64(&mut self) -> Result<i64, Malformed> {
        self.take().map(i64::from_be_bytes)
    }

    /// A text; null is a blank one.
    pub fn text(&mut self) -> Result<String, Malformed> {
        let size = self.i16()?;
        let text = self.slice(i32::from(size))?;
        String::from_utf8(text.to_vec()).map_err(|_| Malformed)
    }

    /// Bytes, which share the answer's buffer; null is none of them.
    pub fn bytes(&mut self) -> Result<Bytes, Malformed> {
        let size = self.i32()?;
        self.slice(size)
    }

    fn slice(&mut self, size: i32) -> Result<Bytes, Malformed> {
        let size = if size == -1 { 0 } else { usize::try_from(size).map_err(|_| Malformed)? };
        let end = self.at.checked_add(size).filter(|end| *end <= self.bytes.len()).ok_or(Malformed)?;
        let slice = self.bytes.slice(self.at..end);
        self.at = end;
        Ok(slice)
    }

    /// Reads an array; null is an empty one.
    pub fn array<T>(
        &mut self,
        mut element: impl FnMut(&mut Self) -> Result<T, Malformed>,
    ) -> Result<Vec<T>, Malformed> {
        let count = match self.i32()? {
            -1 => 0,
            count => usize::try_from(count).map_err(|_| Malformed)?,
        };
        // Memory for as many as come as a rule, whatever the count says.
        let mut elements = Vec::with_capacity(count.min(USUAL_COUNT));
        for _ in 0..count {
            elements.push(element(self)?);
        }
        Ok(elements)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::connectors::kafka::lean::versions::Versions;
    use crate::connectors::kafka::lean::{fetch, leader_epochs, leaders};

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Whatever a broker answers, it is read or malformed.
        #[test]
        fn any_answer_is_read_without_a_panic(
            small in prop::collection::vec(prop_oneof![4 => Just(0u8), 2 => 0u8..4, 1 => any::<u8>()], 0..400),
            version in 0i16..12,
        ) {
            let bytes = Bytes::from(small);
            _ = Versions::of(bytes.clone());
            _ = leaders::answer(version, bytes.clone());
            _ = leader_epochs::answer(bytes.clone());
            _ = fetch::answer(version, bytes);
        }
    }

    #[test]
    fn a_request_is_its_size_its_header_and_its_fields() {
        let mut request = Request::new(Api::Metadata, 7, "me");
        request.count(1);
        request.text("t");
        let bytes = request.finish(5);
        assert_eq!(bytes, [0, 0, 0, 19, 0, 3, 0, 7, 0, 0, 0, 5, 0, 2, b'm', b'e', 0, 0, 0, 1, 0, 1, b't']);
    }

    #[test]
    fn an_answer_that_ends_early_or_says_nonsense_is_malformed() {
        assert_eq!(Answer::new(Bytes::from_static(&[0, 1])).i32(), Err(Malformed));
        assert_eq!(Answer::new(Bytes::from_static(&[0, 9, b'a'])).text(), Err(Malformed));
        assert_eq!(Answer::new(Bytes::from_static(&[0xff, 0xfe])).text(), Err(Malformed));
        assert_eq!(Answer::new(Bytes::from_static(&[0x7f, 0xff, 0xff, 0xff])).array(Answer::i16), Err(Malformed));
        assert_eq!(Answer::new(Bytes::from_static(&[0xff; 4])).array(Answer::i16), Ok(Vec::new()));
        assert_eq!(Answer::new(Bytes::from_static(&[0xff; 2])).text(), Ok(String::new()));
    }
}
