//! A way to a server on which connections break in the middle of what the client says.

#![allow(clippy::disallowed_methods)] // tests spawn on their own runtime

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub struct Cutter {
    pub address: String,
    cuts: Arc<AtomicUsize>,
}

impl Cutter {
    /// One connection after the other breaks when the client has sent so many bytes; those after them stay whole.
    pub async fn new(server: String, after: impl IntoIterator<Item = usize>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (after, cuts) = (Mutex::new(after.into_iter().collect::<VecDeque<_>>()), Arc::<AtomicUsize>::default());
        let counted = cuts.clone();
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let server = TcpStream::connect(&server).await.unwrap();
                let after = after.lock().unwrap().pop_front();
                tokio::spawn(pass(client, server, after, counted.clone()));
            }
        });
        Self { address, cuts }
    }

    /// Connections that broke.
    pub fn cuts(&self) -> usize {
        self.cuts.load(Ordering::Relaxed)
    }
}

async fn pass(mut client: TcpStream, mut server: TcpStream, after: Option<usize>, cuts: Arc<AtomicUsize>) {
    let Some(after) = after else {
        let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
        return;
    };
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    let forth = async {
        let (mut left, mut buffer) = (after, [0; 4096]);
        while left > 0 {
            let room = left.min(buffer.len());
            let read = from_client.read(&mut buffer[..room]).await.unwrap_or(0);
            if read == 0 || to_server.write_all(&buffer[..read]).await.is_err() {
                return;
            }
            left -= read;
        }
        cuts.fetch_add(1, Ordering::Relaxed);
    };
    // Both ends are closed as soon as one direction ends.
    tokio::select! {
        () = forth => {}
        _ = tokio::io::copy(&mut from_server, &mut to_client) => {}
    }
}
