//! Transactions that were aborted: what their producers wrote is not handed over.
//!
//! The broker names them with the records: each has a producer and a first offset, and lasts up to the producer's next
//! marker of an abort. <https://kafka.apache.org/protocol.html#The_Messages_Fetch>

/// The aborted transactions in a run of records, followed along its batches.
#[derive(Debug, Default)]
pub struct Aborted {
    /// Those that begin later, the next one last.
    later: Vec<AbortedTransaction>,
    /// Producers that are within one.
    producers: Vec<i64>,
}

/// One that the broker named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AbortedTransaction {
    pub producer: i64,
    pub first_offset: i64,
}

impl Aborted {
    pub fn new(mut transactions: Vec<AbortedTransaction>) -> Self {
        transactions.sort_unstable_by_key(|transaction| std::cmp::Reverse(transaction.first_offset));
        Self { later: transactions, producers: Vec::new() }
    }

    /// Goes on to the batch that ends with this offset.
    pub fn reach(&mut self, last_offset: i64) {
        while let Some(next) = self.later.last().filter(|next| next.first_offset <= last_offset) {
            if !self.producers.contains(&next.producer) {
                self.producers.push(next.producer);
            }
            self.later.pop();
        }
    }

    /// Whether what this producer wrote in a transaction here is void.
    pub fn is_void(&self, producer: i64) -> bool {
        self.producers.contains(&producer)
    }

    /// A marker ends the producer's transaction.
    pub fn end(&mut self, producer: i64) {
        self.producers.retain(|other| *other != producer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_producers_records_are_void_from_the_first_offset_to_the_marker() {
        let transaction = |producer, first_offset| AbortedTransaction { producer, first_offset };
        let mut aborted = Aborted::new(vec![transaction(7, 20), transaction(8, 5), transaction(7, 5)]);
        aborted.reach(4);
        assert!(!aborted.is_void(7));
        aborted.reach(9);
        assert!(aborted.is_void(7) && aborted.is_void(8));
        aborted.end(7);
        assert!(!aborted.is_void(7) && aborted.is_void(8));
        aborted.reach(25);
        assert!(aborted.is_void(7));
    }
}
