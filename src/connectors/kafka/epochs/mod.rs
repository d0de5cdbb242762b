//! Exactly once into Kafka: epochs as transactions.
//!
//! ```text
//!  rollback: writers ─► transaction of epoch N ────────────► marker N, commit       slot N mod 2
//!            writers ─► transaction of epoch N+1                                    slot N+1 mod 2
//!  held:     writers ─► checkpoint N ─► transaction of N: its records, marker N, commit
//! ```
//! A [`slot`] is a producer with a transactional id; there are two. The [`marker`] of the job is a consumer group's offset,
//! sent with the transaction whose epoch it names. [`held`] is what waits in a checkpoint. The [`committer`] puts it
//! together.
//! <https://cwiki.apache.org/confluence/display/KAFKA/KIP-98+-+Exactly+Once+Delivery+and+Transactional+Messaging>,
//! <https://cwiki.apache.org/confluence/display/KAFKA/KIP-447%3A+Producer+scalability+for+exactly+once+semantics>
//!
//! A writer stages without waiting for acknowledgements: a record that is not delivered takes the transaction with it, for
//! the client then refuses to commit, and the epoch is neither seen nor marked.

mod committer;
pub mod held;
mod marker;
pub mod slot;
mod target;

pub use committer::KafkaCommitter;
pub use target::{KafkaTarget, KafkaTargetTable};
