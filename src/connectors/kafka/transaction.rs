//! The transactions of a producer, one at a time: the calls of librdkafka, and what their errors say.
//!
//! An error is of one of four kinds ("Transactional producer API" in librdkafka's `rdkafka.h`): a retriable one is asked
//! again; one that requires an abort, one that is fatal and any other end the attempt of the job, whose next one opens
//! producers anew, and so aborts what was begun.
//!
//! `unsafe` for the calls of librdkafka on the client of a [`BatchProducer`], since rdkafka has them for its own producers
//! only. They rely on that client, which lives as long as they last; errors they give are ours, and destroyed once.

use std::ffi::{CStr, c_char};
use std::time::Duration;

use rdkafka::TopicPartitionList;
use rdkafka::bindings as rd;
use rdkafka::error::RDKafkaErrorCode;

use super::consume::lossy;
use super::produce::BatchProducer;

/// Why a call did not do what it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransactionError {
    pub code: RDKafkaErrorCode,
    /// The same call may help.
    pub is_retriable: bool,
    pub text: String,
}

impl BatchProducer {
    /// Ends what older producers of the transactional id have begun: commits whose end was asked for are waited for, the
    /// rest is aborted. None of them can write any more.
    pub fn init_transactions(&self, wait: Duration) -> Result<(), TransactionError> {
        // SAFETY: the client is alive; the error is ours to destroy.
        unsafe { self.outcome(rd::rd_kafka_init_transactions(self.native(), millis(wait))) }
    }

    /// Records that are sent from now on belong to a transaction. Sends nothing.
    pub fn begin_transaction(&self) -> Result<(), TransactionError> {
        // SAFETY: as for `init_transactions`.
        unsafe { self.outcome(rd::rd_kafka_begin_transaction(self.native())) }
    }

    /// Notes offsets of a group in the transaction: they count when it commits.
    pub fn note_offsets(
        &self,
        group: &CStr,
        offsets: &TopicPartitionList,
        wait: Duration,
    ) -> Result<(), TransactionError> {
        // SAFETY: as for `init_transactions`; list, group and its metadata are alive during the call, which copies them, and
        // the metadata is ours to destroy.
        unsafe {
            let metadata = rd::rd_kafka_consumer_group_metadata_new(group.as_ptr());
            let error = rd::rd_kafka_send_offsets_to_transaction(self.native(), offsets.ptr(), metadata, millis(wait));
            rd::rd_kafka_consumer_group_metadata_destroy(metadata);
            self.outcome(error)
        }
    }

    /// Makes all of the transaction visible. A call that was not done in time goes on by itself and is taken up by the
    /// next one. Where an answer is lost the client asks again under the same producer epoch, which the broker commits
    /// once.
    pub fn commit_transaction(&self, wait: Duration) -> Result<(), TransactionError> {
        // SAFETY: as for `init_transactions`.
        unsafe { self.outcome(rd::rd_kafka_commit_transaction(self.native(), millis(wait))) }
    }

    /// Takes all of the transaction back.
    pub fn abort_transaction(&self, wait: Duration) -> Result<(), TransactionError> {
        // SAFETY: as for `init_transactions`.
        unsafe { self.outcome(rd::rd_kafka_abort_transaction(self.native(), millis(wait))) }
    }

    /// The error after which this client can do nothing more, if there was one.
    pub fn fatal_error(&self) -> Option<TransactionError> {
        let mut text = [0 as c_char; 512];
        // SAFETY: the client is alive; the text is written into our buffer, with a zero byte at its end.
        let (code, text) = unsafe {
            let code = rd::rd_kafka_fatal_error(self.native(), text.as_mut_ptr(), text.len());
            (code, lossy(text.as_ptr()))
        };
        let code: RDKafkaErrorCode = code.into();
        (code != RDKafkaErrorCode::NoError).then_some(TransactionError { code, is_retriable: false, text })
    }

    /// # Safety
    /// `error` is null or an error that nobody else has.
    unsafe fn outcome(&self, error: *mut rd::rd_kafka_error_t) -> Result<(), TransactionError> {
        if error.is_null() {
            return Ok(());
        }
        // SAFETY: the caller's promise; the text is copied before the error is destroyed.
        let failure = unsafe {
            let failure = TransactionError {
                code: rd::rd_kafka_error_code(error).into(),
                is_retriable: rd::rd_kafka_error_is_retriable(error) != 0
                    && rd::rd_kafka_error_txn_requires_abort(error) == 0,
                text: lossy(rd::rd_kafka_error_string(error)),
            };
            rd::rd_kafka_error_destroy(error);
            failure
        };
        // "Fatal" only says that there is a reason elsewhere.
        Err(if failure.is_retriable { failure } else { self.fatal_error().unwrap_or(failure) })
    }
}

fn millis(wait: Duration) -> i32 {
    i32::try_from(wait.as_millis()).unwrap_or(i32::MAX)
}
