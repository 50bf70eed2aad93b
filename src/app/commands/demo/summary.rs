//! The summary at the end, fetched over the public HTTP API.

use serde_json::Value;

use crate::app::terminal::table::TextTable;

/// Fetches and prints incidents by tier, problems and inspection runs, and gives the addresses for a further look.
pub async fn print(base: &str) -> Result<(), String> {
    let http = reqwest::Client::new();
    let incidents = get(&http, &format!("{base}/api/v1/incidents?limit=200")).await?;
    let problems = get(&http, &format!("{base}/api/v1/problems")).await?;
    let runs = get(&http, &format!("{base}/api/v1/inspections/runs")).await?;
    println!("\nIncidents, the highest tier first:");
    print!("{}", incident_table(&incidents));
    println!("\nProblems, opened by repetition:");
    print!("{}", problem_table(&problems));
    println!("\nInspection runs:");
    print!("{}", run_table(&runs));
    println!("\nLook for yourself:");
    for path in [
        "/api/v1/incidents?tier=3",
        "/api/v1/incidents/INC-1/timeline",
        "/api/v1/problems",
        "/api/v2/alerts",
        "/metrics",
    ] {
        println!("  curl -s '{base}{path}'");
    }
    Ok(())
}

/// One JSON answer; anything but 2xx is an error with its text.
pub async fn get(http: &reqwest::Client, url: &str) -> Result<Value, String> {
    let answer = http.get(url).send().await.map_err(|error| error.to_string())?;
    let status = answer.status();
    let text = answer.text().await.map_err(|error| error.to_string())?;
    if !status.is_success() {
        return Err(format!("GET {url} answered {status}: {text}"));
    }
    serde_json::from_str(&text).map_err(|error| format!("GET {url}: {error}"))
}

fn incident_table(listing: &Value) -> TextTable {
    let mut rows: Vec<&Value> = items(listing).collect();
    rows.sort_by_key(|one| (std::cmp::Reverse(one["tier"].as_u64()), text(&one["priority"]), text(&one["id"])));
    let mut table = TextTable::new(["id", "tier", "prio", "state", "ack", "alerts", "problem", "title"]);
    for one in rows {
        table.row([
            text(&one["id"]),
            text(&one["tier"]),
            text(&one["priority"]),
            text(&one["state"]),
            if one["acknowledged_at"].is_null() { "-".to_owned() } else { "yes".to_owned() },
            text(&one["alerts"]),
            text(&one["problem"]),
            text(&one["title"]),
        ]);
    }
    table
}

fn problem_table(listing: &Value) -> TextTable {
    let mut table = TextTable::new(["id", "state", "team", "incidents", "why", "title"]);
    for one in items(listing) {
        table.row([
            text(&one["id"]),
            text(&one["state"]),
            text(&one["team"]),
            text(&one["occurrences"]),
            text(&one["reason"]),
            text(&one["title"]),
        ]);
    }
    table
}

fn run_table(listing: &Value) -> TextTable {
    let mut table = TextTable::new(["id", "state", "items", "title"]);
    for one in items(listing) {
        let outcomes: Vec<String> = one["items"]
            .as_array()
            .map(|items| items.iter().map(|item| text(&item["outcome"])).collect())
            .unwrap_or_default();
        table.row([text(&one["id"]), text(&one["state"]), outcomes.join(" "), text(&one["title"])]);
    }
    table
}

fn items(listing: &Value) -> impl Iterator<Item = &Value> {
    listing["items"].as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}
