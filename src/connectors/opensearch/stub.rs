//! A service that answers as a test says, for what a real one does only when it breaks.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// Answers requests in order; `GET /` is always answered and not counted.
pub struct Stub {
    pub host: String,
    /// `POST /_bulk\n` and the body, of each request so far.
    pub requests: Arc<Mutex<Vec<String>>>,
}

/// A request.
pub struct Heard {
    /// `POST /_bulk?... HTTP/1.1`
    pub line: String,
    pub opaque_id: String,
    pub body: String,
}

/// An answer's status and body; status 0 closes the connection without one.
pub type Reply = (u16, String);

impl Stub {
    /// After the last of `replies` every request is answered with 200 and `{"errors":false}`.
    pub fn start(replies: Vec<Reply>) -> Self {
        let mut replies = replies.into_iter();
        Self::serve(move |_| replies.next().unwrap_or((200, r#"{"errors":false}"#.to_string())))
    }

    /// Answers as `answer` says.
    #[allow(clippy::disallowed_methods)] // a service of the test's, not a part of a job
    pub fn serve(mut answer_to: impl FnMut(&Heard) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = requests.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let Some(heard) = read_request(&stream) else { continue };
                let reply = match heard.line.starts_with("GET / ") {
                    true => (200, "{}".to_string()),
                    false => {
                        let path = heard.line.split(['?', ' ']).take(2).collect::<Vec<_>>().join(" ");
                        seen.lock().unwrap().push(format!("{path}\n{}", heard.body));
                        answer_to(&heard)
                    }
                };
                answer(&stream, &reply);
            }
        });
        Self { host, requests }
    }

    /// The bodies of the requests so far.
    pub fn bodies(&self) -> Vec<String> {
        let requests = self.requests.lock().unwrap();
        requests.iter().map(|request| request.split_once('\n').unwrap().1.to_string()).collect()
    }
}

fn read_request(stream: &TcpStream) -> Option<Heard> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    if reader.read_line(&mut line).ok()? == 0 {
        return None; // only to see whether somebody is there
    }
    let (mut length, mut opaque_id) = (0, String::new());
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        if header.trim().is_empty() {
            break;
        }
        if let Some(value) = header.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if let Some(value) = header.to_lowercase().strip_prefix("x-opaque-id:") {
            opaque_id = value.trim().to_string();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Heard { line: line.trim().to_string(), opaque_id, body: String::from_utf8(body).ok()? })
}

fn answer(mut stream: &TcpStream, (status, body): &Reply) {
    if *status > 0 {
        let head = format!("HTTP/1.1 {status} X\r\ncontent-type: application/json\r\nconnection: close");
        let _ = write!(stream, "{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    }
}
