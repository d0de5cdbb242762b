//! The question where a leader epoch of a partition ends in the log, by which a log shows that it lost records.
//! <https://kafka.apache.org/protocol.html#The_Messages_OffsetForLeaderEpoch>

use bytes::Bytes;

use super::wire::{Answer, Api, Malformed, Request};

/// The versions that are spoken: from the one in which a consumer says which leader it means.
pub const VERSIONS: std::ops::RangeInclusive<i16> = 2..=3;

/// A partition, the leader epoch of now, and the one asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaderEpochs<'a> {
    pub topic: &'a str,
    pub partition: i32,
    pub now: i32,
    pub read: i32,
}

/// Where the records of that leader epoch, and of those before it, end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaderEpochEnd {
    pub topic: String,
    pub partition: i32,
    pub error: i16,
    /// -1 where the leader knows neither the leader epoch nor one before it.
    pub offset: i64,
}

pub fn request(version: i16, client_id: &str, asked: &[LeaderEpochs<'_>]) -> Request {
    let mut request = Request::new(Api::OffsetForLeaderEpoch, version, client_id);
    if version >= 3 {
        request.i32(-1); // no replica
    }
    request.count(asked.len());
    for each in asked {
        request.text(each.topic);
        request.count(1);
        request.i32(each.partition);
        request.i32(each.now);
        request.i32(each.read);
    }
    request
}

pub fn answer(bytes: Bytes) -> Result<Vec<LeaderEpochEnd>, Malformed> {
    let mut answer = Answer::new(bytes);
    answer.i32()?; // throttling: one question per election
    let mut ends = Vec::new();
    answer.array(|answer| {
        let topic = answer.text()?;
        answer.array(|answer| {
            let (error, partition) = (answer.i16()?, answer.i32()?);
            answer.i32()?; // the newest one up to the one asked about
            ends.push(LeaderEpochEnd { topic: topic.clone(), partition, error, offset: answer.i64()? });
            Ok(())
        })
    })?;
    Ok(ends)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_question_names_every_partition_with_both_leader_epochs() {
        let asked = [
            LeaderEpochs { topic: "t", partition: 2, now: 6, read: 5 },
            LeaderEpochs { topic: "u", partition: 0, now: 4, read: 3 },
        ];
        let t = [0, 1, b't', 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 6, 0, 0, 0, 5];
        let u = [0, 1, b'u', 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 3];
        for version in VERSIONS {
            let replica: &[u8] = if version >= 3 { &[0xff; 4] } else { &[] };
            let body = [replica, &[0, 0, 0, 2], &t, &u].concat();
            let bytes = request(version, "c", &asked).finish(1);
            // Size, what is asked, version, number, and the client's name come first.
            assert_eq!(bytes[4..8], [0, 23, 0, version as u8]);
            assert_eq!(bytes[15..], body);
        }
    }

    #[test]
    fn the_answer_says_where_leader_epochs_end_and_is_malformed_when_it_is_cut() {
        let mut bytes = vec![0; 4];
        bytes.extend([0, 0, 0, 1, 0, 1, b't', 0, 0, 0, 2]);
        bytes.extend([0, 0, 0, 0, 0, 2, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 9]);
        bytes.extend([0, 74, 0, 0, 0, 3]);
        bytes.extend([0xff; 12]);
        let end = |partition, error, offset| LeaderEpochEnd { topic: "t".into(), partition, error, offset };
        assert_eq!(answer(Bytes::from(bytes.clone())), Ok(vec![end(2, 0, 9), end(3, 74, -1)]));
        for cut in 0..bytes.len() {
            assert_eq!(answer(Bytes::from(bytes[..cut].to_vec())), Err(Malformed), "{cut}");
        }
    }
}
