//! What was asked and what is being answered: the rows of `usage` as a shell shows them.
//!
//! It reads what the request path left behind, and the one thing that it does to a request is to give it up.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::Handle;
use crate::control::{ClientKeyView, LiveRequest, Reply, UsageDay};
use crate::provider::known::{self, Price};
use crate::settings::Settings;
use crate::timestamp::milliseconds;
use crate::usage::bodies::LONGEST;
use crate::usage::live::{Row, Seen};
use crate::usage::table::daily::Daily;
use crate::usage::table::request::Filter;
use crate::usage::{self, Reader};

/// How long a deletion may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The most days that are told at once: more than anybody has.
const MOST_DAYS: u32 = 3660;

impl Handle {
    /// The requests that are being answered, oldest first.
    pub fn live(&self) -> Vec<LiveRequest> {
        self.0.shared.live.rows().into_iter().map(told).collect()
    }

    pub(super) fn cancel_request(&self, id: u64) -> Result<Reply, String> {
        if self.0.shared.live.cancel(id) {
            return Ok(Reply::Done);
        }
        Err("that request has ended already".to_owned())
    }

    pub(super) async fn requests(&self, limit: u32, before: Option<i64>, filter: Filter) -> Result<Reply, String> {
        let rows = self.read_usage(move |reader| reader.recent(limit, before, &filter)).await?;
        let settings = Arc::clone(&self.0.loaded.borrow().settings);
        let told = rows.iter().filter_map(|row| {
            let mut value = serde_json::to_value(row).ok()?;
            let price = price(&settings, row.endpoint.as_deref(), row.model.as_deref());
            if let Some(cost) = price.and_then(|price| usage::cost::of(&price, row)) {
                value["cost_usd"] = cost.to_string().into();
            }
            Some(value)
        });
        Ok(Reply::Requests { rows: told.collect() })
    }

    pub(super) fn keep_bodies(&self, minutes: u32) -> Result<Reply, String> {
        if self.0.usage_file.is_none() {
            return Err("requests are not written down (`usage.retention_days = 0`), so nothing can be kept with them"
                .to_owned());
        }
        let time = Duration::from_secs(60 * u64::from(minutes));
        if time > LONGEST {
            return Err("what is asked and said is kept for a day at most".to_owned());
        }
        self.0.shared.bodies.keep_for(time);
        Ok(Reply::Done)
    }

    pub(super) async fn bodies(&self, request: i64) -> Result<Reply, String> {
        let texts = self.read_usage(move |reader| Ok(reader.texts(request)?.into_iter().collect())).await?;
        let missing = || "what was asked and said in that request is not kept (any more)".to_owned();
        texts.into_iter().next().map(Reply::Bodies).ok_or_else(missing)
    }

    pub(super) async fn delete_bodies(&self) -> Result<Reply, String> {
        let Some(answer) = self.0.shared.usage.forget_bodies() else { return Ok(Reply::Done) };
        let done = tokio::task::spawn_blocking(move || answer.recv_timeout(PATIENCE)).await;
        match done {
            Ok(Ok(true)) => Ok(Reply::Done),
            Ok(Ok(false) | Err(_)) | Err(_) => Err("the database did not take it; ask again in a moment".to_owned()),
        }
    }

    pub(super) async fn usage_days(&self, days: u32) -> Result<Reply, String> {
        let rows = self.read_usage(move |reader| reader.totals(days.min(MOST_DAYS), SystemTime::now())).await?;
        let settings = Arc::clone(&self.0.loaded.borrow().settings);
        Ok(Reply::Usage { rows: rows.into_iter().map(|row| day(row, &settings)).collect() })
    }

    /// What the usage database says; nothing where none is kept.
    async fn read_usage<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Reader) -> Result<Vec<T>, usage::Error> + Send + 'static,
    ) -> Result<Vec<T>, String> {
        let Some(file) = self.0.usage_file.clone() else { return Ok(Vec::new()) };
        let read = tokio::task::spawn_blocking(move || match Reader::open(&file) {
            Ok(reader) => read(&reader),
            // The writer makes the file when it gets to it, and its tables a moment later.
            Err(usage::Error::Missing(_) | usage::Error::Older { found: 0 }) => Ok(Vec::new()),
            Err(error) => Err(error),
        });
        read.await.map_err(|_| "the read was given up".to_owned())?.map_err(|error| error.to_string())
    }
}

/// Says of each client key when it was last used.
pub(super) fn last_used(mut keys: Vec<ClientKeyView>, seen: &Seen) -> Vec<ClientKeyView> {
    for key in &mut keys {
        key.last_used_ms = seen.clients.get(key.name.as_str()).copied();
    }
    keys
}

fn told(Row { id, record }: Row) -> LiveRequest {
    let text = |text: &Option<Arc<str>>| text.as_deref().map(str::to_owned);
    LiveRequest {
        id,
        started_ms: milliseconds(record.started),
        client: text(&record.client),
        tool: text(&record.tool),
        surface: record.surface.to_owned(),
        operation: record.operation.to_owned(),
        asked: record.asked.to_string(),
        endpoint: text(&record.endpoint),
        model: text(&record.model),
        local: record.local,
        stream: record.stream,
        attempts: record.attempts,
        chunks: record.chunks,
        first_byte_ms: record.first_byte.map(|first| first.as_secs_f64() * 1e3),
    }
}

fn day(row: Daily, settings: &Settings) -> UsageDay {
    let sums = row.sums;
    let price = price(settings, row.endpoint.as_deref(), row.model.as_deref());
    let cost = price.and_then(|price| usage::cost::estimate(&price, &sums));
    let mean = |sum: i64, count: i64| sum as f64 / 1e3 / count.max(1) as f64;
    UsageDay {
        day: row.day,
        model: row.model,
        endpoint: row.endpoint,
        client: row.client,
        local: row.local,
        requests: sums.requests,
        errors: sums.errors,
        input_tokens: sums.input_tokens,
        output_tokens: sums.output_tokens,
        cached_tokens: sums.cached_tokens,
        first_byte_ms: (sums.first_bytes > 0).then(|| mean(sums.first_byte_us, sums.first_bytes)),
        total_ms: mean(sums.total_us, sums.requests),
        cost_usd: cost.and_then(|cost| cost.to_string().parse().ok()),
    }
}

/// The provider that an endpoint of the settings is at.
/// What a model costs: as the user says, else as the table does. What stays on this machine costs nothing and has none.
fn price(settings: &Settings, endpoint: Option<&str>, model: Option<&str>) -> Option<Price> {
    let at = settings.endpoints.iter().find(|known| Some(known.name.as_str()) == endpoint)?;
    let model = model?;
    at.prices.of(model).or_else(|| known::find(&at.provider.as_deref()?.id, model)?.price)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::usage::table::daily::Sums;

    #[test]
    fn a_day_has_means_and_a_price() {
        let written = "[[endpoints]]\nprovider = \"anthropic\"\nname = \"work\"";
        let settings = crate::settings::read::read(written).unwrap().settings;
        #[track_caller]
        fn check(settings: &Settings, endpoint: &str, model: &str, cost: Option<f64>) {
            let sums = Sums {
                requests: 2,
                input_tokens: 1_000_000,
                cached_tokens: 900_000,
                output_tokens: 1_000,
                first_bytes: 1,
                first_byte_us: 1_500,
                total_us: 5_000,
                ..Sums::default()
            };
            let (endpoint, model) = (Some(endpoint.to_owned()), Some(model.to_owned()));
            let row = Daily { day: "2026-11-22".into(), model, endpoint, client: None, local: false, sums };
            let day = day(row, settings);
            assert_eq!((day.first_byte_ms, day.total_ms, day.cost_usd), (Some(1.5), 2.5, cost));
        }
        // 3 and 15 dollars a million, 0.3 from the cache; no request of the day needs to have passed the long prompts' limit.
        check(&settings, "work", "claude-sonnet-4-5-20250929", Some(0.585));
        check(&settings, "work", "claude-of-tomorrow", None);
        check(&settings, "elsewhere", "claude-sonnet-4-5-20250929", None);
        let written = format!("{written}\nprices = {{ \"claude-*\" = {{ input = 1, output = 2, cached = 0 }} }}");
        let settings = crate::settings::read::read(&written).unwrap().settings;
        check(&settings, "work", "claude-sonnet-4-5-20250929", Some(0.102));
        check(&settings, "work", "claude-of-tomorrow", Some(0.102));
    }
}
