//! Problems for the terminal.

use serde_json::Value;

use crate::app::terminal::local_time::local;
use crate::app::terminal::table::TextTable;
use crate::core::model::Timestamp;

/// The review queue.
pub fn queue(answer: &Value) -> String {
    let items = answer["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    if items.is_empty() {
        return "No open problem: nothing comes back.\n".to_owned();
    }
    let mut table = TextTable::new(["ID", "REVIEW BY", "STATE", "EPISODES", "LAST SEEN", "OWNER", "TEAM", "TITLE"]);
    for one in items {
        table.row([
            word(&one["id"]),
            time(&one["review_by"]),
            word(&one["state"]),
            one["episodes"].to_string(),
            time(&one["last_seen_at"]),
            word(&one["owner"]),
            word(&one["team"]),
            word(&one["title"]),
        ]);
    }
    table.to_string()
}

/// One problem with the data for a decision.
pub fn problem(answer: &Value) -> String {
    let problem = &answer["problem"];
    let mut lines = vec![
        format!("{} {}", word(&problem["id"]), word(&problem["title"])),
        format!(
            "  {}, team {}, owner {}; opened {} because of {}",
            word(&problem["state"]),
            word(&problem["team"]),
            word(&problem["owner"]),
            time(&problem["opened_at"]),
            word(&problem["reason"])
        ),
    ];
    if problem["review_by"].is_string() {
        lines.push(format!("  review by {}", time(&problem["review_by"])));
    }
    if problem["quiet_until"].is_string() {
        lines.push(format!("  must stay away until {} before it may be closed", time(&problem["quiet_until"])));
    }
    lines.push(rhythm(problem));
    lines.extend(texts(problem));
    lines.extend(hints(problem));
    lines.extend(similar(problem));
    lines.extend(incidents(answer));
    if problem["workaround"].is_null()
        && let Some(draft) = answer["draft_workaround"].as_str()
    {
        lines.push(format!("\nDraft of a workaround, from how its incidents were resolved:\n  {draft}"));
    }
    lines.push(String::new());
    lines.join("\n")
}

/// The record after a decision, in a line.
pub fn done(problem: &Value) -> String {
    format!("{} is {}, version {}\n", word(&problem["id"]), word(&problem["state"]), problem["version"])
}

fn rhythm(problem: &Value) -> String {
    let counts = format!("  {} episodes, {} incidents", problem["episodes"], problem["occurrences"]);
    let rhythm = &problem["rhythm"];
    if rhythm.is_null() {
        return counts;
    }
    let regular = match (rhythm["regular"].as_bool(), rhythm["season"].as_str()) {
        (Some(true), _) => "regularly".to_owned(),
        (_, Some(season)) => format!("at the same time of the {season}"),
        (_, None) => "by chance".to_owned(),
    };
    let next = &rhythm["next"];
    format!(
        "{counts}; every {} in the mean, {regular}, lasting {}; next expected {} ({} to {})",
        word(&rhythm["mtbf"]),
        word(&rhythm["mttr"]),
        time(&next["at"]),
        time(&next["from"]),
        time(&next["until"])
    )
}

fn texts(problem: &Value) -> Vec<String> {
    let named = [("root cause", "root_cause"), ("workaround", "workaround"), ("fix", "fix"), ("change", "change")];
    let mut lines: Vec<String> =
        named.into_iter().filter_map(|(name, field)| Some(format!("  {name}: {}", problem[field].as_str()?))).collect();
    let (helped, not) = (problem["helped"].as_u64().unwrap_or(0), problem["not_helped"].as_u64().unwrap_or(0));
    if helped + not > 0 {
        lines.push(format!("  the workaround helped {helped} of {} times", helped + not));
    }
    lines
}

fn hints(problem: &Value) -> Vec<String> {
    let hints = problem["hints"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut lines: Vec<String> = hints.iter().map(hint).collect();
    if !lines.is_empty() {
        lines.insert(0, "\nWhat tended to come before (counts, no proof):".to_owned());
    }
    lines
}

fn hint(hint: &Value) -> String {
    let (hits, of) = (hint["hits"].as_u64().unwrap_or(0), hint["of"].as_u64().unwrap_or(0));
    let place = match hint["place"].as_str() {
        Some("parent") => "on what it depends on",
        Some("child") => "on what depends on it",
        Some(_) | None => "on the same item",
    };
    let share = 100 * hits / of.max(1);
    format!(
        "  before {share} % of its episodes, {} {place} began within {}: {hits} of {of}, expected {}",
        word(&hint["before"]),
        word(&hint["within"]),
        hint["expected"]
    )
}

fn similar(problem: &Value) -> Vec<String> {
    let similar = problem["similar"].as_array().map(Vec::as_slice).unwrap_or_default();
    let line = |one: &Value| {
        let verdict = if one["same"] == true { "perhaps the same fault" } else { "worth a look" };
        format!("  {} is alike by {}: {verdict}", word(&one["problem"]), one["similarity"])
    };
    let mut lines: Vec<String> = similar.iter().map(line).collect();
    if !lines.is_empty() {
        lines.insert(0, "\nSimilar problems:".to_owned());
    }
    lines
}

fn incidents(answer: &Value) -> Vec<String> {
    let incidents = answer["incidents"].as_array().map(Vec::as_slice).unwrap_or_default();
    if incidents.is_empty() {
        return Vec::new();
    }
    let mut table = TextTable::new(["INCIDENT", "OPENED", "STATE", "RESOLUTION"]);
    for one in incidents {
        table.row([word(&one["id"]), time(&one["opened_at"]), word(&one["state"]), word(&one["resolution"])]);
    }
    vec!["\nIncidents, newest first:".to_owned(), table.to_string().trim_end().to_owned()]
}

fn word(value: &Value) -> String {
    value.as_str().unwrap_or("-").to_owned()
}

fn time(value: &Value) -> String {
    value.as_str().and_then(|text| text.parse::<Timestamp>().ok()).map_or_else(|| "-".to_owned(), local)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_queue_aligns_with_chinese_titles() {
        let one = |id: &str, team: &str| {
            json!({"id": id, "review_by": null, "state": "new", "episodes": 3, "last_seen_at": null, "owner": null,
                   "team": team, "title": "链路反复中断"})
        };
        let shown = queue(&json!({"items": [one("PRB-1", "二线网络"), one("PRB-22", "db")]}));
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines[1], "PRB-1   -          new    3         -          -      二线网络  链路反复中断");
        assert_eq!(lines[2], "PRB-22  -          new    3         -          -      db        链路反复中断");
        assert!(queue(&json!({"items": []})).contains("nothing comes back"));
    }

    #[test]
    fn hints_are_shown_with_their_counts() {
        let hints = json!({"hints": [{"before": "PowerFailure", "place": "parent", "hits": 11, "of": 15, "expected": 0.8,
                                      "lift": 13.7, "z": 11.4, "within": "5m"}]});
        assert_eq!(
            super::hints(&hints)[1],
            "  before 73 % of its episodes, PowerFailure on what it depends on began within 5m: 11 of 15, expected 0.8"
        );
        assert!(super::hints(&json!({})).is_empty());
    }
}
