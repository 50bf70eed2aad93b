//! `watchfire report`: the service report of a period.

use std::fmt::Write;
use std::process::ExitCode;

use clap::Args;

use super::explain::Service;
use crate::app::terminal::local_time::local_in;
use crate::app::terminal::table::TextTable;
use crate::core::calendar::{is_zone, moment_in};
use crate::core::model::{TimeDelta, Timestamp};
use crate::core::reports::{DurationStatistics, Figures};

/// Queries the running service for the figures of a period, and prints the service report.
#[derive(Args, Debug)]
pub struct ReportCommand {
    /// Start: 2026-01-01, or 2026-01-01T00:00:00+08:00
    #[arg(long, value_name = "TIME")]
    from: String,
    /// End, not itself in the period
    #[arg(long, value_name = "TIME")]
    to: String,
    /// Time zone of times without an offset
    #[arg(long, value_name = "IANA", default_value = "Asia/Shanghai")]
    zone: String,
    /// The calendar of the rules whose hours are working time [default: office if there is one, else always]
    #[arg(long, value_name = "NAME")]
    calendar: Option<String>,
    /// The running service to query [default: http://127.0.0.1:7247]
    #[arg(long, value_name = "URL", env = "WATCHFIRE_URL")]
    url: Option<String>,
    /// A token of role viewer or higher, if the service has tokens
    #[arg(long, value_name = "TOKEN", env = "WATCHFIRE_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
}

pub async fn run(command: ReportCommand) -> Result<ExitCode, String> {
    let read = |flag: &str, text: &str| moment(text, &command.zone).map_err(|bad| format!("{flag}: {bad}"));
    let (from, to) = (read("--from", &command.from)?, read("--to", &command.to)?);
    let (from, to) = (from.to_string(), to.to_string());
    let service = Service::at(command.url.as_deref(), command.token.as_deref());
    let query = [("from", Some(from.as_str())), ("to", Some(to.as_str())), ("calendar", command.calendar.as_deref())];
    let figures: Figures = service.get("figures", &query).await?;
    print(&figures, command.json, &command.zone)?;
    Ok(ExitCode::SUCCESS)
}

/// As a table, or as JSON for a program.
pub(in crate::app) fn print(figures: &Figures, json: bool, zone: &str) -> Result<(), String> {
    if json {
        println!("{}", serde_json::to_string(figures).map_err(|error| error.to_string())?);
    } else {
        print!("{}", shown(figures, zone));
    }
    Ok(())
}

/// A date alone begins at its midnight.
fn moment(text: &str, zone: &str) -> Result<Timestamp, String> {
    if !is_zone(zone) {
        return Err(format!("unknown time zone {zone:?}; expected an IANA name, for example Asia/Shanghai"));
    }
    let whole = if text.contains(['T', ' ']) { text.to_owned() } else { format!("{text}T00:00") };
    moment_in(&whole, Some(zone)).map_err(|_| {
        format!("{text:?} is not a time; expected 2026-02-13, 2026-02-13T01:00 or 2026-02-13T01:00:00+08:00")
    })
}

/// The service report, aligned for a terminal, its period in local time of that zone.
pub fn shown(figures: &Figures, zone: &str) -> String {
    let incidents = &figures.incidents;
    let mut text = String::new();
    let mut line = |written: std::fmt::Arguments<'_>| {
        text.write_fmt(written).expect("writing to a text does not fail");
        text.push('\n');
    };
    let (period, calendar) = (figures.period, &figures.calendar);
    let (from, to) = (local_in(period.from, zone), local_in(period.to, zone));
    line(format_args!("服务报告 service report, {from} to {to} ({zone}), working time of {calendar}\n"));
    let mut counts = TextTable::new(["故障 incidents", "count", "share"]);
    let percent = |share: Option<f64>| share.map_or("–".to_owned(), |share| format!("{:.1} %", share * 100.0));
    let mut row = |name: &str, count: u64, share: Option<f64>| {
        counts.row([name.to_owned(), count.to_string(), share.map_or(String::new(), |share| percent(Some(share)))]);
    };
    row("新建 opened", incidents.opened, None);
    row("已响应 acknowledged", incidents.acknowledged, None);
    row("已解决 resolved", incidents.resolved, None);
    for tier in &incidents.by_tier {
        let name = match tier.tier {
            crate::core::model::Tier::First => "  一线 by tier 1",
            crate::core::model::Tier::Second => "  二线 by tier 2",
            crate::core::model::Tier::Third => "  三线 by tier 3",
        };
        row(name, tier.resolved, tier.share);
    }
    row("一线拦截 contained", incidents.contained, incidents.containment_rate);
    row("升级 handed on", incidents.escalations, None);
    row("退回 handed back", incidents.bounces, incidents.bounce_rate);
    row("重开 reopened", incidents.reopened, incidents.reopen_rate);
    row("重复 recurring", incidents.recurring, incidents.recurrence_rate);
    row("超时 overdue", incidents.overdue, incidents.overdue_rate);
    row("合并 merged", incidents.merged, None);
    row("取消 cancelled", incidents.cancelled, None);
    row("未寻呼 unpaged", incidents.unpaged, None);
    line(format_args!("{counts}"));
    let mut times = TextTable::new(["时间 time", "cases", "mean", "median", "p90"]);
    for (name, of) in [
        ("响应 MTTA", incidents.time_to_acknowledge),
        ("  工作时间 working", incidents.working_time_to_acknowledge),
        ("修复 MTTR", incidents.time_to_resolve),
        ("  工作时间 working", incidents.working_time_to_resolve),
    ] {
        times.row(cells(name, of));
    }
    line(format_args!("{times}"));
    line(format_args!(
        "desk: {}; containment of 70 to 80 %: {}",
        incidents.band.map_or("–", |band| band.as_str()),
        incidents.containment.map_or("–", |containment| containment.as_str()),
    ));
    line(format_args!("问题 problems: {} opened, {} closed", figures.problems.opened, figures.problems.closed));
    for reason in &incidents.overdue_reasons {
        line(format_args!("超时原因 overdue because {}: {}", reason.code, reason.count));
    }
    line(format_args!("中断 outage by the provider: {} min", figures.outage_minutes));
    let inspections = &figures.inspections;
    line(format_args!(
        "巡检 inspections: {} completed, {} missed, {} skipped, completion {}",
        inspections.completed,
        inspections.missed,
        inspections.skipped,
        percent(inspections.completion_rate),
    ));
    text
}

fn cells(name: &str, times: DurationStatistics) -> [String; 5] {
    // Seconds are not shown beside hours.
    let span = |span: TimeDelta| match times.count {
        0 => "–".to_owned(),
        _ => TimeDelta::from_seconds(span.as_micros() / 1_000_000).to_string(),
    };
    [name.to_owned(), times.count.to_string(), span(times.mean), span(times.median), span(times.p90)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_cannot_be_read_is_named_as_it_was_given() {
        let refused = |text: &str, zone: &str| moment(text, zone).unwrap_err();
        assert!(refused("yesterday", "Asia/Shanghai").starts_with("\"yesterday\" is not a time;"));
        assert!(refused("昨天 9点", "Asia/Shanghai").starts_with("\"昨天 9点\" is not a time;"));
        assert!(refused("2026-01-01", "Asia/Guangzhou2").starts_with("unknown time zone \"Asia/Guangzhou2\""));
        assert_eq!(moment("2026-01-01", "Asia/Shanghai").unwrap().to_string(), "2025-12-31T16:00:00Z");
    }
}
