//! Something behind the gateway that answers as a test wants and tells what it was asked.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::mpsc,
};

pub struct StandIn {
    pub address: String,
    heads: mpsc::UnboundedReceiver<String>,
}

impl StandIn {
    /// Answers each request with what `answer` makes of its head.
    pub async fn answering(answer: impl Fn(&str) -> String + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (told, heads) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((mut connection, _)) = listener.accept().await {
                let mut head = Vec::new();
                while !head.windows(4).any(|end| end == b"\r\n\r\n") {
                    if connection.read_buf(&mut head).await.unwrap_or(0) == 0 {
                        break;
                    }
                }
                let head = String::from_utf8(head).unwrap();
                // The gateway may have gone by now.
                let _gone = connection.write_all(answer(&head).as_bytes()).await;
                let _gone = connection.shutdown().await;
                if told.send(head).is_err() {
                    break;
                }
            }
        });
        Self { address, heads }
    }

    /// Answers with the head itself.
    pub async fn mirror() -> Self {
        Self::answering(|head| answer("200 OK", "", head)).await
    }

    /// The heads of the requests until now.
    pub fn asked(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.heads.try_recv().ok()).collect()
    }
}

/// With `headers`, each ended by a line break.
pub fn answer(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}")
}
