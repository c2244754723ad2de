//! Streams that stay open: how much memory a waiting client takes.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use hyper::body::Incoming;

use crate::load::{Connection, check_whole, next_data};
use crate::process::{FileLimit, Process};
use crate::surface::{Surface, Wish};

/// Memory of one proxy.
pub(crate) struct Memory {
    /// Bytes before the first stream.
    pub(crate) idle: u64,
    /// Bytes with so many streams open.
    pub(crate) held: Vec<(usize, u64)>,
    /// Streams that did not come to their end.
    pub(crate) dropped: usize,
}

struct Held {
    // Kept as a client keeps it: without it hyper would close the connection after the answer.
    _connection: Connection,
    events: Incoming,
    text: Vec<u8>,
}

/// Opens streams through `proxy` up to each of `counts`, looks at its memory, then lets all of them end.
pub(crate) async fn measure(proxy: &Process, upstream: SocketAddr, counts: &[usize]) -> anyhow::Result<Memory> {
    let limit = FileLimit::raise()?;
    limit.check(2 * counts.iter().max().copied().unwrap_or_default() + 200)?;
    settle().await;
    let mut memory = Memory { idle: proxy.resident()?, held: Vec::new(), dropped: 0 };
    let mut open: Vec<Held> = Vec::new();
    for count in counts {
        let missing = count.saturating_sub(open.len());
        let mut opening = stream::iter(0..missing).map(|_| hold(proxy.address)).buffer_unordered(32);
        while let Some(opened) = opening.next().await {
            match opened {
                Ok(held) => open.push(held),
                Err(_) => memory.dropped += 1,
            }
        }
        settle().await;
        memory.held.push((*count, proxy.resident()?));
    }
    Connection::open(upstream).await?.post("/bench/release", Bytes::new()).await?;
    let ends = stream::iter(open).map(finish).buffer_unordered(usize::MAX);
    memory.dropped += ends.filter(|end| std::future::ready(end.is_err())).count().await;
    Ok(memory)
}

async fn hold(address: SocketAddr) -> anyhow::Result<Held> {
    let mut connection = Connection::open(address).await?;
    let wish = Wish { chunks: 1, interval: Duration::ZERO, hold: true };
    let body = Surface::Chat.body(1000, Some(wish));
    let mut events = connection.post(Surface::Chat.path(true), body).await?.into_body();
    let text = next_data(&mut events).await?.context("an empty stream")?.to_vec();
    Ok(Held { _connection: connection, events, text })
}

async fn finish(mut held: Held) -> anyhow::Result<()> {
    let reading = async {
        while let Some(data) = next_data(&mut held.events).await? {
            held.text.extend_from_slice(&data);
        }
        check_whole(Surface::Chat, &held.text, true)
    };
    tokio::time::timeout(Duration::from_secs(20), reading).await?
}

/// Lets what was just started come to rest.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(500)).await;
}
