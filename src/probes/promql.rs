//! PromQL checks: query a Prometheus, and let the worst sample decide.

use std::borrow::Cow;
use std::collections::BTreeMap;

use reqwest::{Client, Url};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::http::{BODY_MAX_BYTES, read, reason, shown};
use super::observation::Observation;
use crate::core::inspections::ItemOutcome;
use crate::core::rules::{Comparison, Limit};

/// An instant query at `server`, compared with the limits.
pub(super) async fn check(
    client: &Client,
    server: &str,
    query: &str,
    warn: Option<Limit>,
    fail: Option<Limit>,
) -> Observation {
    let Some(url) = query_url(server, query) else {
        return Observation::fail("the check's server cannot be read; expected http://host:9090");
    };
    let shown = shown(&url);
    let answer = match client.get(url).send().await {
        Ok(answer) => answer,
        Err(error) => return Observation::fail(format!("cannot ask {shown}: {}", reason(error))),
    };
    let code = answer.status();
    let body = match read(answer, BODY_MAX_BYTES).await {
        Ok(body) if body.cut => {
            return Observation::fail(format!(
                "{shown} answered more than {BODY_MAX_BYTES} bytes; aggregate the query"
            ));
        }
        Ok(body) => body,
        Err(error) => return Observation::fail(format!("{shown} broke off its answer: {}", reason(error))),
    };
    match samples(body.bytes()) {
        Ok(samples) => judge(query, &samples, warn, fail),
        Err(problem) if code.is_success() => Observation::fail(format!("{shown}: {problem}")),
        Err(problem) => Observation::fail(format!("{shown} answered {code}: {problem}")),
    }
}

fn query_url(server: &str, query: &str) -> Option<Url> {
    let mut url = Url::parse(server).ok()?;
    url.path_segments_mut().ok()?.pop_if_empty().extend(["api", "v1", "query"]);
    url.query_pairs_mut().clear().append_pair("query", query);
    Some(url)
}

/// One sample and its labels.
struct Sample {
    labels: String,
    value: f64,
}

#[derive(Deserialize)]
struct QueryResponse<'a> {
    #[serde(borrow)]
    status: Cow<'a, str>,
    #[serde(borrow)]
    error: Option<Cow<'a, str>>,
    #[serde(borrow)]
    data: Option<Data<'a>>,
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow, rename = "resultType")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    result: &'a RawValue,
}

#[derive(Deserialize)]
struct Series<'a> {
    #[serde(borrow)]
    metric: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
    #[serde(borrow)]
    value: (f64, Cow<'a, str>),
}

/// The samples of a response, or the error in it.
fn samples(body: &[u8]) -> Result<Vec<Sample>, String> {
    let unreadable = |error: serde_json::Error| format!("not a Prometheus answer: {error}");
    let answer: QueryResponse<'_> = serde_json::from_slice(body).map_err(unreadable)?;
    let data = match (&*answer.status, answer.data) {
        ("success", Some(data)) => data,
        (status, _) => return Err(answer.error.map_or_else(|| status.to_owned(), Cow::into_owned)),
    };
    let number = |text: &str| text.parse::<f64>().map_err(|_| format!("{text:?} is not a number"));
    match &*data.kind {
        "vector" => {
            let all: Vec<Series<'_>> = serde_json::from_str(data.result.get()).map_err(unreadable)?;
            let sample =
                |series: &Series<'_>| Ok(Sample { labels: spelled(&series.metric), value: number(&series.value.1)? });
            all.iter().map(sample).collect()
        }
        "scalar" => {
            let (_, value): (f64, Cow<'_, str>) = serde_json::from_str(data.result.get()).map_err(unreadable)?;
            Ok(vec![Sample { labels: String::new(), value: number(&value)? }])
        }
        other => Err(format!("the query gives a {other}; expected a vector or a scalar")),
    }
}

fn spelled(metric: &BTreeMap<Cow<'_, str>, Cow<'_, str>>) -> String {
    let name = metric.get("__name__").map_or("", |name| name);
    let pairs: Vec<String> = metric
        .iter()
        .filter(|(label, _)| &***label != "__name__")
        .map(|(label, value)| format!("{label}={value:?}"))
        .collect();
    if pairs.is_empty() { name.to_owned() } else { format!("{name}{{{}}}", pairs.join(", ")) }
}

fn judge(query: &str, samples: &[Sample], warn: Option<Limit>, fail: Option<Limit>) -> Observation {
    // A sample that is no number fits no limit, so it shows an error in the query or its target.
    let breaks = |limit: Option<Limit>, value: f64| limit.is_some_and(|limit| limit.is_broken_by(value));
    let outcome = |sample: &Sample| match sample.value {
        value if value.is_nan() || breaks(fail, value) => ItemOutcome::Fail,
        value if breaks(warn, value) => ItemOutcome::Warn,
        _ => ItemOutcome::Pass,
    };
    let Some(worst) = samples.iter().max_by(|a, b| {
        (outcome(a).cmp(&outcome(b)))
            .then_with(|| badness(a.value, warn, fail).total_cmp(&badness(b.value, warn, fail)))
    }) else {
        return Observation::fail(format!("{query} gave no sample"));
    };
    let found = outcome(worst);
    let broken = if breaks(fail, worst.value) { fail } else { warn };
    let count = samples.len();
    let label = if worst.labels.is_empty() { query } else { &worst.labels };
    let told = match (found, broken) {
        (ItemOutcome::Pass, _) => format!("{label} = {}, the worst of {count}", worst.value),
        (_, _) if worst.value.is_nan() => format!("{label} is not a number"),
        (_, Some(limit)) => {
            let bad = samples.iter().filter(|sample| outcome(sample) > ItemOutcome::Pass).count();
            format!("{label} = {} is {}; {bad} of {count} samples are over a limit", worst.value, limit)
        }
        (_, None) => format!("{label} = {}", worst.value),
    };
    let seen = Observation { outcome: found, evidence: told, value: None, found: None };
    if worst.value.is_finite() { seen.with_value(worst.value) } else { seen }
}

/// Badness of a value: larger is worse, in the direction of the limits.
fn badness(value: f64, warn: Option<Limit>, fail: Option<Limit>) -> f64 {
    match fail.or(warn).map(|limit| limit.comparison) {
        Some(Comparison::Below | Comparison::AtMost) => -value,
        Some(Comparison::Above | Comparison::AtLeast) | None => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(comparison: Comparison, value: f64) -> Option<Limit> {
        Some(Limit { comparison, value })
    }

    fn vector(values: &[(&str, &str)]) -> String {
        let one = |(disk, value): &(&str, &str)| {
            format!(r#"{{"metric":{{"__name__":"disk_used","disk":"{disk}"}},"value":[1760000000.5,"{value}"]}}"#)
        };
        let all: Vec<String> = values.iter().map(one).collect();
        format!(r#"{{"status":"success","data":{{"resultType":"vector","result":[{}]}}}}"#, all.join(","))
    }

    #[test]
    fn the_worst_sample_decides() {
        let check = |body: &str, warn, fail, outcome: ItemOutcome, told: &str| {
            let seen = match samples(body.as_bytes()) {
                Ok(samples) => judge("disk_used", &samples, warn, fail),
                Err(problem) => Observation::fail(problem),
            };
            assert_eq!((seen.outcome, seen.evidence.as_str()), (outcome, told), "{body}");
        };
        let (warn, fail) = (limit(Comparison::Above, 0.8), limit(Comparison::AtLeast, 0.9));
        let two = vector(&[("数据盘", "0.85"), ("系统盘", "0.5")]);
        check(&two, None, None, ItemOutcome::Pass, r#"disk_used{disk="数据盘"} = 0.85, the worst of 2"#);
        let over = r#"disk_used{disk="数据盘"} = 0.85 is above 0.8; 1 of 2 samples are over a limit"#;
        check(&two, warn, fail, ItemOutcome::Warn, over);
        let three = vector(&[("a", "0.91"), ("b", "0.99"), ("c", "0.1")]);
        let over = r#"disk_used{disk="b"} = 0.99 is at least 0.9; 2 of 3 samples are over a limit"#;
        check(&three, warn, fail, ItemOutcome::Fail, over);
        let under = r#"disk_used{disk="c"} = 0.1 is below 0.2; 1 of 3 samples are over a limit"#;
        check(&three, None, limit(Comparison::Below, 0.2), ItemOutcome::Fail, under);
        check(&vector(&[]), None, None, ItemOutcome::Fail, "disk_used gave no sample");
        check(&vector(&[("a", "NaN")]), warn, fail, ItemOutcome::Fail, r#"disk_used{disk="a"} is not a number"#);
        let infinite = r#"disk_used{disk="a"} = inf is at least 0.9; 1 of 1 samples are over a limit"#;
        check(&vector(&[("a", "+Inf")]), warn, fail, ItemOutcome::Fail, infinite);
        let scalar = r#"{"status":"success","data":{"resultType":"scalar","result":[1.5,"7"]}}"#;
        check(scalar, None, limit(Comparison::AtMost, 6.0), ItemOutcome::Pass, "disk_used = 7, the worst of 1");
        let matrix = r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#;
        check(matrix, None, None, ItemOutcome::Fail, "the query gives a matrix; expected a vector or a scalar");
        let error = r#"{"status":"error","errorType":"bad_data","error":"parse error: unexpected \"}\""}"#;
        check(error, None, None, ItemOutcome::Fail, "parse error: unexpected \"}\"");
    }

    #[test]
    fn the_query_goes_behind_whatever_path_the_server_has() {
        let check = |server: &str, expected: &str| assert_eq!(query_url(server, "up==1").unwrap().as_str(), expected);
        check("http://p:9090", "http://p:9090/api/v1/query?query=up%3D%3D1");
        check("http://p/prom/", "http://p/prom/api/v1/query?query=up%3D%3D1");
        assert!(query_url("p:9090", "up").is_none());
    }
}
