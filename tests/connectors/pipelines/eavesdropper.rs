//! An address that answers nothing and remembers what it is told first.

use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::time::timeout;

use super::job::Job;
use crate::kafka::PATIENCE;

pub struct Eavesdropper {
    listener: TcpListener,
    pub address: String,
}

impl Eavesdropper {
    pub async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        Self { listener, address }
    }

    /// The first bytes that somebody sends, of whom `job` is the one who should. Who comes only to see whether anybody
    /// is there says nothing.
    pub async fn first_words(&self, job: &mut Job) -> Vec<u8> {
        loop {
            let Ok(accepted) = timeout(PATIENCE, self.listener.accept()).await else {
                panic!("nobody came: {}", job.said());
            };
            let mut stream = accepted.unwrap().0;
            let mut words = vec![0; 4096];
            let read = timeout(PATIENCE, stream.read(&mut words)).await.expect("words in time").unwrap();
            if read > 0 {
                words.truncate(read);
                return words;
            }
        }
    }
}
