//! A proxy before a real node that breaks what passes through it, as its test says.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What becomes of one request.
#[derive(Debug, Clone, Copy)]
pub enum Fault {
    None,
    /// The proxy answers, and the node hears nothing.
    Refuse(u16),
    /// So many bytes of the request reach the node; then both sides are cut off.
    CutRequest(usize),
    /// The node does what it is asked; so many bytes of its answer come back.
    CutAnswer(usize),
    /// Nobody answers.
    Hang,
    /// The node gets every second action; the others are answered as by a full queue.
    HalfBusy,
}

pub struct Proxy {
    pub host: String,
}

/// A request as it was sent.
struct Request {
    head: String,
    body: Vec<u8>,
}

type Plan = Arc<Mutex<dyn FnMut() -> Fault + Send>>;

const FULL: &str = r#"{"type":"opensearch_rejected_execution_exception","reason":"the queue is full"}"#;

impl Proxy {
    /// A proxy to `target` (`http://host:port`), which knows paths under `prefix` only. `plan` is asked about each bulk
    /// request.
    #[allow(clippy::disallowed_methods)] // tasks of the test's, not of a job
    pub async fn start(target: &str, prefix: &'static str, plan: impl FnMut() -> Fault + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = format!("http://{}", listener.local_addr().unwrap());
        let (target, plan): (String, Plan) = (target.trim_start_matches("http://").into(), Arc::new(Mutex::new(plan)));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (target, plan) = (target.clone(), plan.clone());
                tokio::spawn(async move { pass(client, &target, prefix, plan).await });
            }
        });
        Self { host }
    }
}

/// Handles the one request of a connection; an error is a side that went away.
async fn pass(mut client: TcpStream, target: &str, prefix: &str, plan: Plan) -> Option<()> {
    let mut request = read_request(&mut client).await?;
    let (method, rest) = request.head.split_once(' ')?;
    let Some(rest) = rest.strip_prefix(prefix) else {
        return refuse(&mut client, 404).await;
    };
    let is_bulk = rest.starts_with("/_bulk");
    request.head = format!("{method} {rest}");
    let fault = if is_bulk { (plan.lock().unwrap())() } else { Fault::None };
    match fault {
        Fault::Refuse(status) => refuse(&mut client, status).await,
        Fault::Hang => {
            // Until the client has had enough.
            _ = client.read(&mut [0]).await;
            None
        }
        Fault::CutRequest(bytes) => {
            let mut node = TcpStream::connect(target).await.ok()?;
            let whole = [request.head.as_bytes(), &request.body].concat();
            node.write_all(whole.get(..bytes).unwrap_or(&whole)).await.ok()
        }
        Fault::CutAnswer(bytes) => {
            let answer = exchange(target, &request).await?;
            client.write_all(answer.get(..bytes).unwrap_or(&answer)).await.ok()
        }
        Fault::None => {
            let answer = exchange(target, &request).await?;
            client.write_all(&answer).await.ok()
        }
        Fault::HalfBusy => {
            let answer = half_busy(target, request).await?;
            client.write_all(answer.as_bytes()).await.ok()
        }
    }
}

/// Reads head and body. The answer ends the connection, and is not to be compressed.
async fn read_request(client: &mut TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(client);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let lower = line.to_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if line.trim().is_empty() {
            break;
        }
        if !lower.starts_with("accept-encoding:") {
            head.push_str(&line);
        }
    }
    head.push_str("connection: close\r\n\r\n");
    let mut body = vec![0; length];
    reader.read_exact(&mut body).await.ok()?;
    Some(Request { head, body })
}

/// The node's whole answer, marked as the connection's last.
async fn exchange(target: &str, request: &Request) -> Option<Vec<u8>> {
    let mut node = TcpStream::connect(target).await.ok()?;
    node.write_all(request.head.as_bytes()).await.ok()?;
    node.write_all(&request.body).await.ok()?;
    let mut answer = Vec::new();
    node.read_to_end(&mut answer).await.ok()?;
    let line = answer.iter().position(|b| *b == b'\n')? + 1;
    answer.splice(line..line, *b"connection: close\r\n");
    Some(answer)
}

async fn refuse(client: &mut TcpStream, status: u16) -> Option<()> {
    let body = format!(r#"{{"error":{FULL},"status":{status}}}"#);
    client.write_all(answer_of(status, &body).as_bytes()).await.ok()
}

fn answer_of(status: u16, body: &str) -> String {
    let head = format!("HTTP/1.1 {status} X\r\ncontent-type: application/json\r\nconnection: close");
    format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

async fn half_busy(target: &str, mut request: Request) -> Option<String> {
    let text = String::from_utf8(request.body).ok()?;
    let mut actions: Vec<String> = Vec::new();
    let mut lines = text.lines();
    while let Some(action) = lines.next() {
        let source = if action.starts_with("{\"delete\"") { None } else { lines.next() };
        actions.push(source.map_or_else(|| format!("{action}\n"), |source| format!("{action}\n{source}\n")));
    }
    request.body = actions.iter().step_by(2).map(String::as_str).collect::<String>().into_bytes();
    let length = format!("content-length: {}\r\n", request.body.len());
    let lines = request.head.split_inclusive("\r\n");
    request.head = lines.map(|l| if l.to_lowercase().starts_with("content-length:") { &length } else { l }).collect();
    let answer = String::from_utf8(exchange(target, &request).await?).ok()?;
    let answer: serde_json::Value = serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()?;
    let done = answer["items"].as_array()?;
    let items = actions.iter().enumerate().map(|(i, action)| match i % 2 {
        0 => done.get(i / 2).cloned().unwrap_or_default(),
        _ => {
            let mut action: serde_json::Value =
                serde_json::from_str(action.lines().next().unwrap_or_default()).unwrap_or_default();
            for outcome in action.as_object_mut().into_iter().flat_map(|action| action.values_mut()) {
                outcome["status"] = 429.into();
                outcome["error"] = serde_json::from_str(FULL).unwrap_or_default();
            }
            action
        }
    });
    let body = serde_json::json!({ "errors": true, "items": items.collect::<Vec<_>>() });
    Some(answer_of(200, &body.to_string()))
}
