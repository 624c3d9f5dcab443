//! An HTTP client that costs next to nothing, so that on a small machine the service is measured and not its sender:
//! one connection, one request at a time, the request's bytes made beforehand.

use anyhow::{Context, bail};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufStream},
    net::TcpStream,
};

/// More than any answer of the door has.
const LONGEST: usize = 64 * 1024;

pub struct Wire {
    stream: BufStream<TcpStream>,
    host: String,
}

impl Wire {
    /// `base_url` is `http://host:port`.
    pub async fn connect(base_url: &str) -> anyhow::Result<Wire> {
        let host = base_url.strip_prefix("http://").context("not an http URL")?.to_owned();
        let stream = TcpStream::connect(&host).await?;
        stream.set_nodelay(true)?;
        Ok(Wire { stream: BufStream::new(stream), host })
    }

    /// The status and the body.
    pub async fn post(&mut self, path: &str, key: &str, body: &str) -> anyhow::Result<(u16, String)> {
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            self.host,
            body.len()
        );
        self.stream.write_all(head.as_bytes()).await?;
        self.stream.flush().await?;
        let mut line = String::new();
        self.stream.read_line(&mut line).await?;
        let status = line.split(' ').nth(1).and_then(|status| status.parse().ok()).context("no status")?;
        let mut length = 0;
        loop {
            line.clear();
            if self.stream.read_line(&mut line).await? == 0 {
                bail!("the answer ended early");
            }
            let header = line.trim_end();
            if header.is_empty() {
                break;
            }
            if let Some((name, value)) = header.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().context("content-length")?;
            }
        }
        if length > LONGEST {
            bail!("an answer of {length} bytes");
        }
        let mut answer = vec![0; length];
        self.stream.read_exact(&mut answer).await?;
        Ok((status, String::from_utf8_lossy(&answer).into_owned()))
    }
}
