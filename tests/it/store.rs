//! The store against real databases: one suite, run on SQLite and on PostgreSQL, and the faults that each has alone.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

use crate::support::service::until;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::Duration;

use sqlx::{Connection, Executor, PgConnection, SqlStr, SqliteConnection};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use watchfire::core::engine::{
    AlertRecord, AuditEntry, Control, CountedEvent, DeliveryOutcome, DeliveryResult, DeskInput, ENGINE_VERSION, Effect,
    Input, JournalEntry, LiveChange, Metric, Notification, NotificationKind, RecordChange, Task,
};
use watchfire::core::incidents::{Incident, IncidentState, TimelineEntry, TimelineKind};
use watchfire::core::inspections::{ItemOutcome, ItemResult, Run, RunState};
use watchfire::core::model::{
    Cause, DeadLetter, Fingerprint, IncidentId, Labels, Matcher, Matchers, Offset, Partition, Priority, ProblemId,
    RunId, SessionFacts, SessionProgress, Severity, Silence, SilenceId, Stamp, Status, TakenMessage, Tier, TimeDelta,
    Timestamp,
};
use watchfire::core::problems::{Problem, ProblemState};
use watchfire::core::rules::{Channel, RuleText, Rulebook, RulebookHash};
use watchfire::store::{
    AlertFilter, AuditFilter, Batch, CommitError, IncidentFilter, Lease, Manifest, Page, PageRequest, ProblemFilter,
    RunFilter, SectionRef, Store, StoreError, TokenRole, TokenRow, effects_hash,
};

use crate::support::postgres;

const CORRELATOR: Partition = Partition::DEFAULT;
const DESK: Partition = Partition::DESK;

/// Declares each case once, and runs it on both databases.
macro_rules! on_both {
    ($($case:ident)*) => {
        mod on_sqlite {
            $(#[tokio::test] async fn $case() { super::$case(super::Bench::sqlite().await).await; })*
        }
        mod on_postgres {
            $(#[tokio::test] async fn $case() { super::$case(super::Bench::postgres().await).await; })*
        }
    };
}

on_both! {
    every_record_of_a_batch_reads_back
    the_last_change_of_a_row_counts_however_the_inputs_are_cut_into_batches
    five_thousand_entries_are_one_block
    offsets_are_gapless_in_each_partition
    an_older_lease_writes_nothing
    a_lease_is_taken_over_only_as_it_was_seen
    refused_content_leaves_nothing_behind
    a_nul_in_a_text_poisons_nothing
    texts_are_found_in_any_script_and_mean_themselves
    incidents_are_filtered_by_everything
    the_other_lists_are_filtered_too
    pages_follow_one_another_to_the_end
    a_foreign_cursor_is_refused
    a_notice_waits_until_it_is_delivered_or_given_up
    a_damaged_block_names_itself
    a_damaged_record_names_itself
    snapshots_keep_two_manifests_and_what_they_name
    a_snapshot_without_its_sections_is_refused
    a_damaged_section_is_not_handed_out
    retention_never_reaches_above_the_older_manifest
    retention_by_size_takes_the_oldest_of_all_partitions_first
    settings_rulebooks_and_partitions_read_back
    tokens_are_named_once_and_audited
    a_revoked_name_is_given_again_and_its_old_secret_stays_worthless
    commits_are_durable_when_they_return
    every_statement_fits_the_schema
    a_schema_that_is_not_ours_stops_the_start
    a_commit_dropped_at_any_moment_is_whole_or_nothing
    readers_see_whole_commits_while_one_writes
    several_may_open_a_new_database_at_once
    what_was_committed_is_there_after_opening_again
}

/// One opened store on a fresh database.
struct Bench {
    store: Store,
    lease: Lease,
    url: String,
    directory: Option<TempDir>,
}

impl Bench {
    async fn sqlite() -> Bench {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}/数据/watchfire.db", directory.path().display());
        Bench { directory: Some(directory), ..Bench::open(url).await }
    }

    async fn postgres() -> Bench {
        Bench::open(postgres::database().await).await
    }

    async fn open(url: String) -> Bench {
        // Patient: what a loaded machine makes slow is not what these cases are about.
        Bench::open_with(url, TimeDelta::from_seconds(60)).await
    }

    async fn open_with(url: String, patience: TimeDelta) -> Bench {
        let store = Store::open_with(&url, patience).await.unwrap();
        let lease = store.take_lease("test").await.unwrap();
        Bench { store, lease, url, directory: None }
    }

    /// Commits entries at the head of the correlator and effects with them.
    async fn commit(&self, entries: u64, effects: Vec<Effect>) -> Result<(), CommitError> {
        let head = self.store.head(CORRELATOR).await.unwrap();
        let entries = ticks(head.0, entries).map(|entry| (CORRELATOR, entry)).collect();
        self.store.commit(&self.lease, &Batch { entries, effects, ..Batch::default() }).await
    }

    /// A statement behind the store's back.
    async fn execute(&self, statement: &'static str) {
        match self.url.strip_prefix("sqlite:") {
            Some(path) => {
                let mut connection = SqliteConnection::connect(path).await.unwrap();
                connection.execute(SqlStr::from_static(statement)).await.unwrap();
                connection.close().await.unwrap();
            }
            None => postgres::execute(&self.url, statement).await,
        }
    }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_800_000_000 + seconds)
}

fn tick(offset: u64) -> JournalEntry {
    JournalEntry { offset: Offset(offset), now: at(offset as i64), input: Input::Control(Control::Tick) }
}

fn ticks(first: u64, count: u64) -> impl Iterator<Item = JournalEntry> {
    (first..first + count).map(tick)
}

fn cause(offset: u64) -> Cause {
    Cause { partition: DESK, offset: Offset(offset), n: 0 }
}

fn alert(n: u64, status: Status) -> AlertRecord {
    let labels = Labels::from_pairs([("alertname", "LinkDown"), ("site", "广州"), ("port", &format!("p{n}"))]);
    AlertRecord {
        fingerprint: labels.fingerprint(),
        source: "zabbix".into(),
        status,
        labels: labels.clone(),
        facts: Labels::from_pairs([("room", "机房A")]),
        annotations: Labels::from_pairs([("runbook", "重启端口")]),
        summary: format!("端口 p{n} 中断").into(),
        severity: Severity::Major,
        starts_at: Stamp { at: at(0), offset_minutes: 480 },
        ends_at: Stamp::utc(at(300)),
        updated_at: at(n as i64),
        generator_url: "http://zabbix/1".into(),
        silenced_by: vec![SilenceId::from_cause(cause(1))],
        inhibited_by: vec![Fingerprint(u64::MAX)],
        explained_by: Vec::new(),
        maintained_by: Vec::new(),
        storm: None,
        rule: "link-down".to_owned(),
        key: labels.project(["site"]),
        held: Some("rule link-down, 1 of 2".to_owned()),
        transitions: 1,
        first_seen_at: at(0),
    }
}

fn incident(id: u64) -> Incident {
    Incident {
        id: IncidentId(id),
        version: 1,
        title: format!("广州 核心链路中断 {id}"),
        state: IncidentState::New,
        pending_on: None,
        merged_into: None,
        tier: Tier::First,
        team: "noc".to_owned(),
        assignee: None,
        waiting: None,
        priority: Priority::P2,
        priority_reason: "severity major".to_owned(),
        severity: Severity::Major,
        rule: "link-down".to_owned(),
        key: Labels::from_pairs([("site", "GZ01")]),
        labels: Labels::from_pairs([("alertname", "LinkDown"), ("site", "GZ01")]),
        fingerprint: Fingerprint(u64::MAX - id),
        reason: "2 of 2 in 5m".to_owned(),
        root: None,
        alerts: 2,
        firing: 2,
        opened_at: at(id as i64),
        acknowledged_at: None,
        acknowledged: false,
        resolved_at: None,
        closed_at: None,
        breached: false,
        escalations: 0,
        reopened: 0,
        held: None,
        problem: None,
        found_during: None,
        similar: Vec::new(),
        findings: vec!["RUN-1/disk".to_owned()],
        workaround: Some("切换到备用链路".to_owned()),
        runbook: None,
        support: watchfire::core::incidents::SupportLog::default(),
        diagnosis: None,
        resolution: None,
        digests: Vec::new(),
        unpaged: false,
        next_step_at: Some(at(900)),
        unarmed: None,
        class: Default::default(),
        out_of_catalogue: false,
        impact: None,
        urgency: None,
        clocks: Vec::new(),
        contacts: Vec::new(),
        breach_reason: None,
        outages: Vec::new(),
        updated_at: at(id as i64),
        resolved_by: None,
    }
}

fn problem(id: u64) -> Problem {
    Problem {
        id: ProblemId(id),
        version: 1,
        title: format!("链路反复中断 {id}"),
        state: ProblemState::New,
        team: "experts".to_owned(),
        policy: "recurring".to_owned(),
        fingerprint: Fingerprint(id),
        rule: "link-down".to_owned(),
        key: Labels::from_pairs([("site", "GZ01")]),
        reason: "3 incidents in 30d".to_owned(),
        incidents: vec![IncidentId(1)],
        occurrences: 3,
        opened_at: at(1),
        last_seen_at: at(2),
        updated_at: at(2),
        ..Problem::blank(ProblemId(id), Fingerprint(id), at(1))
    }
}

fn run(id: u64) -> Run {
    Run {
        id: RunId(id),
        version: 1,
        plan: "daily".to_owned(),
        title: "每日巡检".to_owned(),
        team: "noc".to_owned(),
        state: RunState::Due,
        scheduled_at: at(0),
        overdue_at: at(60),
        missed_at: at(120),
        due_since: Some(at(0)),
        overdue_since: None,
        unsigned_since: None,
        items: vec![ItemResult {
            name: "disk@数据库1".to_owned(),
            title: "磁盘".to_owned(),
            kind: "promql".to_owned(),
            device: Some("数据库1".to_owned()),
            due_at: None,
            missed_at: None,
            outcome: ItemOutcome::Warn,
            evidence: "91%".to_owned(),
            value: Some(0.91),
            found: None,
            expected: None,
            by: None,
            at: Some(at(5)),
            trend: Some("reaches 0.95 in 6d".to_owned()),
            incident: Some(IncidentId(1)),
        }],
        reason: None,
        signed_by: None,
        completed_at: None,
        updated_at: at(5),
    }
}

fn silence(n: u64) -> Silence {
    Silence {
        id: SilenceId::from_cause(cause(n)),
        matchers: Matchers(vec![Matcher::equal("site", "GZ01")]),
        starts_at: Stamp::utc(at(0)),
        ends_at: Stamp::utc(at(60)),
        updated_at: at(0),
        created_by: "operator".to_owned(),
        comment: "割接".to_owned(),
        annotations: Labels::empty(),
        until_resolved: false,
    }
}

fn evidence(n: u64) -> CountedEvent {
    CountedEvent {
        cause: cause(n),
        at: at(1),
        source: "zabbix".to_owned(),
        status: Status::Firing,
        labels: Labels::from_pairs([("site", "GZ01")]),
        facts: Labels::empty(),
        summary: "中断".to_owned(),
        severity: Severity::Major,
        value: Some(0.5),
        suppressed: false,
        maintained: false,
        raw: Some("{\"状态\":\"down\"}".to_owned()),
    }
}

fn timeline(incident: u64, text: &str) -> TimelineEntry {
    TimelineEntry {
        incident: IncidentId(incident),
        at: at(1),
        kind: TimelineKind::Opened,
        actor: "rule link-down".to_owned(),
        text: text.to_owned(),
        tier: None,
        outage: None,
        fact: None,
    }
}

fn audit(offset: u64, actor: &str, subject: &str, action: &str) -> AuditEntry {
    AuditEntry {
        cause: cause(offset),
        at: at(offset as i64),
        actor: actor.to_owned(),
        role: "first_line".to_owned(),
        action: action.to_owned(),
        subject: subject.to_owned(),
        detail: "已确认".to_owned(),
        refused: None,
        fact: None,
    }
}

fn notice(offset: u64, subject: &str) -> Notification {
    Notification {
        cause: cause(offset),
        at: at(offset as i64),
        kind: NotificationKind::Page,
        channel: Channel::Webhook { url: "http://127.0.0.1:1/hook".to_owned() },
        team: "noc".to_owned(),
        person: None,
        tier: Some(Tier::First),
        subject: subject.to_owned(),
        title: "广州 核心链路中断".to_owned(),
        language: watchfire::core::rules::Language::En,
        body: "{}".to_owned(),
    }
}

fn delivery(offset: u64, attempt: u32, outcome: DeliveryOutcome) -> DeliveryResult {
    DeliveryResult { notice: cause(offset), subject: "INC-1".to_owned(), attempt, outcome }
}

fn membership(incident: u64, alert: &AlertRecord, link_only: bool) -> Effect {
    Effect::Record(RecordChange::Membership {
        incident: IncidentId(incident),
        fingerprint: alert.fingerprint,
        firing: true,
        link_only,
    })
}

fn dead_letter(n: usize) -> DeadLetter {
    DeadLetter {
        at: at(1),
        source: "native".to_owned(),
        door: "/api/v1/events".to_owned(),
        reason: format!("line {n}: 不是 JSON\0"),
        payload: "{\0".to_owned(),
        payload_bytes: 2,
    }
}

fn rulebook(n: u8) -> Rulebook {
    Rulebook {
        hash: RulebookHash([n; 32]),
        texts: vec![RuleText { path: "核心.yaml".to_owned(), text: format!("rules: [] # 第 {n} 版\0") }],
        ladders: Default::default(),
        teams: Default::default(),
        plans: Default::default(),
        ..Rulebook::empty()
    }
}

fn shared<T>(make: impl Fn(Arc<T>) -> RecordChange, record: T) -> Effect {
    Effect::Record(make(Arc::new(record)))
}

fn boxed<T>(make: impl Fn(Box<T>) -> RecordChange, record: T) -> Effect {
    Effect::Record(make(Box::new(record)))
}

fn told(notice: Notification) -> Effect {
    Effect::Do(Task::Notice(Box::new(notice)))
}

fn all() -> PageRequest {
    PageRequest { cursor: None, limit: 500 }
}

fn page(limit: u32, cursor: Option<String>) -> PageRequest {
    PageRequest { cursor, limit }
}

/// Everything that people can read, in one text.
async fn everything(store: &Store) -> String {
    let mut text = String::new();
    let incidents = store.incidents(&IncidentFilter::default(), &all()).await.unwrap().items;
    for incident in &incidents {
        text += &format!("{incident:?}\n{:?}\n", store.timeline(incident.id).await.unwrap());
        text += &format!("{:?}\n", store.evidence(incident.id).await.unwrap());
        text += &format!("{:?}\n", store.members(incident.id).await.unwrap());
        text += &format!("{:?}\n", store.deliveries(&incident.id.to_string()).await.unwrap());
    }
    text += &format!("{:?}\n", store.alerts(&AlertFilter::default(), &all()).await.unwrap().items);
    text += &format!("{:?}\n", store.problems(&ProblemFilter::default(), &all()).await.unwrap().items);
    text += &format!("{:?}\n", store.runs(&RunFilter::default(), &all()).await.unwrap().items);
    text += &format!("{:?}\n", store.audit(&AuditFilter::default(), &all()).await.unwrap().items);
    text += &format!("{:?}\n", store.outbox(None, 500).await.unwrap());
    text + &format!("{:?}\n", store.dead_letters(&all()).await.unwrap().items)
}

async fn every_record_of_a_batch_reads_back(bench: Bench) {
    let store = &bench.store;
    let (one, two) = (alert(1, Status::Firing), alert(2, Status::Resolved));
    let effects = vec![
        shared(RecordChange::Alert, one.clone()),
        shared(RecordChange::Alert, two.clone()),
        shared(RecordChange::Incident, incident(1)),
        membership(1, &one, false),
        membership(1, &two, true),
        Effect::Record(RecordChange::Timeline(timeline(1, "先"))),
        Effect::Record(RecordChange::Timeline(timeline(1, "后"))),
        Effect::Record(RecordChange::Evidence { incident: IncidentId(1), n: 1, evidence: Box::new(evidence(2)) }),
        Effect::Record(RecordChange::Evidence { incident: IncidentId(1), n: 0, evidence: Box::new(evidence(1)) }),
        boxed(RecordChange::Problem, problem(1)),
        boxed(RecordChange::Run, run(1)),
        boxed(RecordChange::Silence, silence(1)),
        Effect::Record(RecordChange::Audit(audit(0, "li.na", "INC-1", "incident.acknowledge"))),
        told(notice(0, "INC-1")),
        Effect::Count(Metric::Resent),
        Effect::Live(LiveChange::AlertForgotten { fingerprint: Fingerprint(1) }),
        Effect::Live(LiveChange::SilenceForgotten { id: SilenceId::from_cause(cause(9)) }),
    ];
    let batch = Batch {
        entries: vec![(CORRELATOR, tick(0)), (DESK, tick(0)), (CORRELATOR, tick(1))],
        effects,
        dead_letters: vec![dead_letter(1)],
        rulebooks: vec![Arc::new(rulebook(1))],
        progress: (7..10).map(|number| progress("a@broker", 3, Some(number))).collect(),
    };
    store.commit(&bench.lease, &batch).await.unwrap();
    check_sessions(&bench).await;

    assert_eq!(store.read_journal(CORRELATOR, Offset(0), 10).await.unwrap(), [tick(0), tick(1)]);
    assert_eq!(store.read_journal(CORRELATOR, Offset(1), 10).await.unwrap(), [tick(1)]);
    assert_eq!(store.read_journal(DESK, Offset(0), 10).await.unwrap(), [tick(0)]);
    assert_eq!(store.head(CORRELATOR).await.unwrap(), Offset(2));
    assert_eq!(store.partitions().await.unwrap(), [CORRELATOR, DESK]);
    let blocks = store.blocks(CORRELATOR, Offset(0), 10).await.unwrap();
    assert_eq!((blocks.len(), blocks[0].entries, blocks[0].engine_version), (1, 2, ENGINE_VERSION));
    assert_eq!((blocks[0].effects_hash, blocks[0].written_at), (effects_hash(&batch.effects).unwrap(), at(1)));

    assert_eq!(store.alert(one.fingerprint).await.unwrap().as_ref(), Some(&one));
    assert_eq!(store.incident(IncidentId(1)).await.unwrap(), Some(incident(1)));
    let mut members = vec![(one, false), (two, true)];
    members.sort_by_key(|(alert, _)| alert.fingerprint.0.cast_signed());
    assert_eq!(store.members(IncidentId(1)).await.unwrap(), members);
    assert_eq!(store.timeline(IncidentId(1)).await.unwrap(), [timeline(1, "先"), timeline(1, "后")]);
    assert_eq!(store.evidence(IncidentId(1)).await.unwrap(), [evidence(1), evidence(2)]);
    assert_eq!(store.problem(ProblemId(1)).await.unwrap(), Some(problem(1)));
    assert_eq!(store.run(RunId(1)).await.unwrap(), Some(run(1)));
    let audited = store.audit(&AuditFilter::default(), &all()).await.unwrap().items;
    assert_eq!(audited, [audit(0, "li.na", "INC-1", "incident.acknowledge")]);
    assert_eq!(store.outbox(None, 10).await.unwrap()[0].notice, notice(0, "INC-1"));
    assert_eq!(store.dead_letters(&all()).await.unwrap().items[0].letter, dead_letter(1));
    assert_eq!(store.rulebook(RulebookHash([1; 32])).await.unwrap(), Some(rulebook(1).texts));

    assert_eq!(store.incident(IncidentId(2)).await.unwrap(), None);
    assert_eq!(store.alert(Fingerprint(1)).await.unwrap(), None);
    assert_eq!(store.rulebook(RulebookHash([2; 32])).await.unwrap(), None);
}

/// A story of many inputs, each with its effects, in which rows change again and again.
fn story() -> Vec<(JournalEntry, Vec<Effect>)> {
    let step = |n: u64| {
        let mut incident = incident(n % 3);
        incident.version = n;
        incident.tier = if n > 8 { Tier::Second } else { Tier::First };
        let alert = alert(n % 4, if n.is_multiple_of(2) { Status::Firing } else { Status::Resolved });
        let mut effects = vec![
            membership(n % 3, &alert, n.is_multiple_of(5)),
            shared(RecordChange::Alert, alert),
            shared(RecordChange::Incident, incident),
            Effect::Record(RecordChange::Timeline(timeline(n % 3, &format!("第 {n} 步")))),
            Effect::Record(RecordChange::Audit(audit(n, "li.na", "INC-1", "incident.comment"))),
            Effect::Record(RecordChange::Evidence {
                incident: IncidentId(n % 3),
                n: (n % 2) as u32,
                evidence: Box::new(evidence(n)),
            }),
            boxed(RecordChange::Problem, Problem { version: n, ..problem(n % 2) }),
            boxed(RecordChange::Run, Run { version: n, ..run(n % 2) }),
            boxed(RecordChange::Silence, Silence { comment: n.to_string(), ..silence(n % 2) }),
        ];
        let mut input = Input::Control(Control::Tick);
        match n % 4 {
            0 => effects.push(told(notice(n, "INC-1"))),
            // The second result of a notice that was delivered already must not wake it up again.
            left => {
                let error = "连接被拒绝".to_owned();
                let outcome = match left {
                    1 if n > 5 => DeliveryOutcome::Delivered,
                    1 | 2 => DeliveryOutcome::Failed { error },
                    _ => DeliveryOutcome::DeadLettered { error },
                };
                let result = delivery(n - left, left as u32, outcome);
                input = Input::Desk(DeskInput::Delivery(result.clone()));
                effects.push(Effect::Record(RecordChange::Delivery(result)));
            }
        }
        (JournalEntry { offset: Offset(n), now: at(n as i64), input }, effects)
    };
    (0..16).map(step).collect()
}

async fn the_last_change_of_a_row_counts_however_the_inputs_are_cut_into_batches(bench: Bench) {
    let mut dumps = Vec::new();
    for size in [1, 3, 16] {
        let store = match &bench.directory {
            Some(directory) => Bench::open(format!("sqlite:{}/{size}.db", directory.path().display())).await,
            None => Bench::postgres().await,
        };
        for steps in story().chunks(size) {
            let entries = steps.iter().map(|(entry, _)| (DESK, entry.clone())).collect();
            let effects = steps.iter().flat_map(|(_, effects)| effects.clone()).collect();
            store.store.commit(&store.lease, &Batch { entries, effects, ..Batch::default() }).await.unwrap();
        }
        dumps.push(everything(&store.store).await);
    }
    assert!(dumps[0].contains("第 15 步"));
    assert_eq!(dumps[0], dumps[1]);
    assert_eq!(dumps[0], dumps[2]);
}

async fn five_thousand_entries_are_one_block(bench: Bench) {
    let alerts: Vec<AlertRecord> = (0..5_000).map(|n| alert(n, Status::Firing)).collect();
    let mut effects: Vec<Effect> = alerts.iter().cloned().map(|record| shared(RecordChange::Alert, record)).collect();
    effects.extend(alerts.iter().map(|alert| membership(1, alert, false)));
    effects.extend((0..1_000).map(|n| Effect::Record(RecordChange::Timeline(timeline(1, &format!("告警 {n} 加入"))))));
    effects.extend((0..1_000).map(|n| told(notice(n, "INC-1"))));
    effects.push(shared(RecordChange::Incident, incident(1)));
    bench.commit(5_000, effects).await.unwrap();

    let blocks = bench.store.blocks(CORRELATOR, Offset(0), 10).await.unwrap();
    assert_eq!(blocks.iter().map(|block| block.entries).collect::<Vec<_>>(), [5_000]);
    let read = bench.store.read_journal(CORRELATOR, Offset(10), 1).await.unwrap();
    assert_eq!(read, ticks(10, 4_990).collect::<Vec<_>>());
    assert_eq!(bench.store.members(IncidentId(1)).await.unwrap().len(), 5_000);
    let timeline = bench.store.timeline(IncidentId(1)).await.unwrap();
    assert_eq!((timeline.len(), timeline[999].text.as_str()), (1_000, "告警 999 加入"));
    assert_eq!(bench.store.outbox(None, 10_000).await.unwrap()[999].notice, notice(999, "INC-1"));
}

async fn offsets_are_gapless_in_each_partition(bench: Bench) {
    bench.commit(3, vec![]).await.unwrap();
    let check = async |first: u64, offsets: &[u64], head: u64| {
        let entries = offsets.iter().map(|offset| (CORRELATOR, tick(*offset))).collect();
        let effects = vec![shared(RecordChange::Incident, incident(1))];
        let batch = Batch { entries, effects, ..Batch::default() };
        let error = bench.store.commit(&bench.lease, &batch).await.unwrap_err();
        match error {
            CommitError::OutOfStep { partition: CORRELATOR, head: at, first: from } => {
                assert_eq!((at, from), (Offset(head), Offset(first)), "{offsets:?}");
            }
            other => panic!("{offsets:?}: {other}"),
        }
    };
    check(4, &[4], 3).await;
    check(2, &[2, 3], 3).await;
    check(0, &[0], 3).await;
    check(5, &[3, 5], 4).await;
    check(3, &[3, 3], 4).await;
    assert_eq!(bench.store.head(CORRELATOR).await.unwrap(), Offset(3));
    assert_eq!(bench.store.head(DESK).await.unwrap(), Offset(0));
    assert_eq!(bench.store.incident(IncidentId(1)).await.unwrap(), None);
    // A batch of two partitions of which one is out of step writes neither.
    let entries = vec![(CORRELATOR, tick(3)), (DESK, tick(1))];
    let error = bench.store.commit(&bench.lease, &Batch { entries, ..Batch::default() }).await.unwrap_err();
    assert!(matches!(error, CommitError::OutOfStep { partition: DESK, .. }), "{error}");
    assert_eq!(bench.store.head(CORRELATOR).await.unwrap(), Offset(3));
    bench.commit(1, vec![]).await.unwrap();
    assert_eq!(bench.store.read_journal(CORRELATOR, Offset(0), 10).await.unwrap(), ticks(0, 4).collect::<Vec<_>>());
}

async fn an_older_lease_writes_nothing(bench: Bench) {
    bench.commit(1, vec![]).await.unwrap();
    let newer = bench.store.take_lease("the other").await.unwrap();
    assert!(newer.epoch > bench.lease.epoch);
    let fenced =
        |error: CommitError| assert!(matches!(error, CommitError::Fenced { ours } if ours == bench.lease.epoch));
    fenced(bench.commit(1, vec![shared(RecordChange::Incident, incident(1))]).await.unwrap_err());
    fenced(save(&bench, 1, &[("a", "一")]).await.unwrap_err());
    fenced(bench.store.retain(&bench.lease, at(9), TimeDelta::ZERO, 0).await.unwrap_err());
    assert_eq!(bench.store.head(CORRELATOR).await.unwrap(), Offset(1));
    assert_eq!(bench.store.manifests(CORRELATOR).await.unwrap(), []);
    let entries = vec![(CORRELATOR, tick(1))];
    bench.store.commit(&newer, &Batch { entries, ..Batch::default() }).await.unwrap();
}

async fn a_lease_is_taken_over_only_as_it_was_seen(bench: Bench) {
    let Bench { store, lease, .. } = &bench;
    let durable = store.durability_in_writer().await.unwrap();
    let seen = store.lease_state().await.unwrap();
    assert_eq!((seen.epoch, seen.holder.as_str()), (lease.epoch, "test"));
    store.heartbeat(lease).await.unwrap();
    assert_eq!(store.take_over(&seen, "another").await.unwrap(), None, "it lives");
    let seen = store.lease_state().await.unwrap();
    let newer = store.take_over(&seen, "another").await.unwrap().expect("it gave no sign of life");
    assert_eq!((newer.epoch, newer.holder.as_str()), (lease.epoch + 1, "another"));
    assert_eq!(store.take_over(&seen, "a third").await.unwrap(), None, "another was faster");
    let fenced = |error: CommitError| assert!(matches!(error, CommitError::Fenced { ours } if ours == lease.epoch));
    fenced(store.heartbeat(lease).await.unwrap_err());
    fenced(store.head_as(lease, DESK).await.unwrap_err());
    assert_eq!(store.head_as(&newer, DESK).await.unwrap(), Offset(0));
    // What is not ours any more cannot be given back.
    store.give_lease_back(lease).await.unwrap();
    assert_eq!(store.lease_state().await.unwrap().holder, "another");
    store.heartbeat(&newer).await.unwrap();
    store.give_lease_back(&newer).await.unwrap();
    let free = store.lease_state().await.unwrap();
    assert_eq!((free.epoch, free.holder.as_str()), (newer.epoch, ""));
    store.end_stuck_writers().await.unwrap();
    assert!(store.take_over(&free, "a third").await.unwrap().is_some());
    // Heartbeats need not be durable, everything after them must be.
    assert_eq!(store.durability_in_writer().await.unwrap(), durable);
    assert_eq!(store.setting_or("name", "first").await.unwrap(), "first");
    assert_eq!(store.setting_or("name", "second").await.unwrap(), "first");
}

async fn refused_content_leaves_nothing_behind(bench: Bench) {
    // One idempotency key for two notices: the constraint refuses the second.
    let effects = vec![shared(RecordChange::Incident, incident(1)), told(notice(1, "INC-1")), told(notice(1, "INC-2"))];
    let error = bench.commit(2, effects).await.unwrap_err();
    assert!(matches!(error, CommitError::Content { .. }), "{error}");
    assert_eq!(bench.store.head(CORRELATOR).await.unwrap(), Offset(0));
    assert_eq!(everything(&bench.store).await, "[]\n[]\n[]\n[]\n[]\n[]\n");
    assert_eq!(bench.store.partitions().await.unwrap(), []);
    bench.commit(2, vec![shared(RecordChange::Incident, incident(1))]).await.unwrap();
    assert_eq!(bench.store.incident(IncidentId(1)).await.unwrap(), Some(incident(1)));
}

async fn a_nul_in_a_text_poisons_nothing(bench: Bench) {
    let nul = |text: &str| format!("{text}\0尾");
    let mut record = incident(1);
    record.title = nul("标题");
    record.team = nul("团队");
    record.assignee = Some(nul("人"));
    record.rule = nul("rule");
    record.labels = Labels::from_pairs([("a\0b", "c\0d")]);
    let mut alert = alert(1, Status::Firing);
    alert.summary = nul("摘要").into();
    alert.source = nul("source").into();
    let mut entry = audit(1, &nul("actor"), &nul("subject"), &nul("action"));
    entry.detail = nul("detail");
    let mut run = run(1);
    run.plan = nul("plan");
    let mut problem = problem(1);
    problem.team = nul("team");
    let effects = vec![
        shared(RecordChange::Incident, record.clone()),
        shared(RecordChange::Alert, alert.clone()),
        Effect::Record(RecordChange::Audit(entry.clone())),
        boxed(RecordChange::Run, run.clone()),
        boxed(RecordChange::Problem, problem.clone()),
        Effect::Record(RecordChange::Timeline(timeline(1, &nul("text")))),
        told(notice(1, &nul("INC-1"))),
    ];
    bench.commit(1, effects).await.unwrap();
    // The records keep what was said; the filters find it by the same words.
    let filter = IncidentFilter { team: Some(nul("团队")), text: Some(nul("标题")), ..IncidentFilter::default() };
    assert_eq!(bench.store.incidents(&filter, &all()).await.unwrap().items, [record]);
    let filter = AlertFilter { source: Some(nul("source")), text: Some(nul("摘要")), ..AlertFilter::default() };
    assert_eq!(bench.store.alerts(&filter, &all()).await.unwrap().items, [alert]);
    let filter = AuditFilter { actor: Some(nul("actor")), ..AuditFilter::default() };
    assert_eq!(bench.store.audit(&filter, &all()).await.unwrap().items, [entry]);
    let filter = RunFilter { plan: Some(nul("plan")), ..RunFilter::default() };
    assert_eq!(bench.store.runs(&filter, &all()).await.unwrap().items, [run]);
    assert_eq!(bench.store.timeline(IncidentId(1)).await.unwrap()[0].text, nul("text"));
    assert_eq!(bench.store.deliveries(&nul("INC-1")).await.unwrap().len(), 1);
}

async fn texts_are_found_in_any_script_and_mean_themselves(bench: Bench) {
    let titled = |id, title: &str| shared(RecordChange::Incident, Incident { title: title.to_owned(), ..incident(id) });
    let effects = vec![
        titled(1, "广州 核心链路中断"),
        titled(2, "Disk 100% full on DB_01"),
        titled(3, "Disk 100 percent full on DBx01"),
        titled(4, r"path C:\data"),
    ];
    bench.commit(1, effects).await.unwrap();
    let check = async |text: &str, ids: &[u64]| {
        let filter = IncidentFilter { text: Some(text.to_owned()), ..IncidentFilter::default() };
        let found = bench.store.incidents(&filter, &all()).await.unwrap().items;
        assert_eq!(found.iter().map(|incident| incident.id.0).collect::<Vec<_>>(), ids, "{text:?}");
    };
    check("核心链路", &[1]).await;
    check("链路 核心", &[]).await;
    check("100%", &[2]).await;
    check("db_01", &[2]).await;
    check("DISK", &[3, 2]).await;
    check(r"c:\data", &[4]).await;
    check("%", &[2]).await;
    check("'; DROP TABLE incidents; --", &[]).await;
    check("site=GZ01", &[4, 3, 2, 1]).await;
    check(&"x".repeat(100_000), &[]).await;
    check("", &[4, 3, 2, 1]).await;
}

async fn incidents_are_filtered_by_everything(bench: Bench) {
    let member = alert(7, Status::Firing);
    let mut one = incident(1);
    one.state = IncidentState::Resolved;
    one.team = "网络组".to_owned();
    let mut two = incident(2);
    two.tier = Tier::Third;
    two.priority = Priority::P1;
    two.assignee = Some("li.na".to_owned());
    two.problem = Some(ProblemId(5));
    let mut three = incident(3);
    three.rule = "catch-all".to_owned();
    let mut effects =
        vec![shared(RecordChange::Alert, member.clone()), membership(2, &member, false), membership(3, &member, true)];
    effects.extend([one, two, three].map(|record| shared(RecordChange::Incident, record)));
    bench.commit(1, effects).await.unwrap();
    let check = async |change: &dyn Fn(&mut IncidentFilter), ids: &[u64]| {
        let mut filter = IncidentFilter::default();
        change(&mut filter);
        let found = bench.store.incidents(&filter, &all()).await.unwrap().items;
        assert_eq!(found.iter().map(|incident| incident.id.0).collect::<Vec<_>>(), ids, "{filter:?}");
    };
    check(&|_| {}, &[3, 2, 1]).await;
    check(&|filter| filter.states = vec![IncidentState::New], &[3, 2]).await;
    check(&|filter| filter.states = IncidentState::ALL.to_vec(), &[3, 2, 1]).await;
    check(&|filter| filter.tiers = vec![Tier::Second, Tier::Third], &[2]).await;
    check(&|filter| filter.priorities = vec![Priority::P1, Priority::P3], &[2]).await;
    check(&|filter| filter.team = Some("网络组".to_owned()), &[1]).await;
    check(&|filter| filter.assignee = Some("li.na".to_owned()), &[2]).await;
    check(&|filter| filter.rule = Some("catch-all".to_owned()), &[3]).await;
    check(&|filter| filter.problem = Some(ProblemId(5)), &[2]).await;
    check(&|filter| filter.alert = Some(member.fingerprint), &[3, 2]).await;
    check(&|filter| filter.opened_after = Some(at(1)), &[3, 2]).await;
    check(&|filter| filter.opened_before = Some(at(2)), &[1]).await;
    check(&|filter| (filter.rule, filter.tiers) = (Some("link-down".to_owned()), vec![Tier::First]), &[1]).await;
}

async fn the_other_lists_are_filtered_too(bench: Bench) {
    let store = &bench.store;
    let mut other = alert(2, Status::Resolved);
    (other.rule, other.source) = ("other".to_owned(), "grafana".into());
    let effects = vec![
        shared(RecordChange::Alert, alert(1, Status::Firing)),
        shared(RecordChange::Alert, other),
        boxed(RecordChange::Problem, problem(1)),
        boxed(
            RecordChange::Problem,
            Problem { state: ProblemState::KnownError, team: "三线".to_owned(), ..problem(2) },
        ),
        boxed(RecordChange::Run, run(1)),
        boxed(RecordChange::Run, Run { state: RunState::Missed, plan: "weekly".to_owned(), ..run(2) }),
        Effect::Record(RecordChange::Audit(audit(1, "li.na", "INC-1", "incident.acknowledge"))),
        Effect::Record(RecordChange::Audit(audit(2, "operator", "INC-2", "silence.put"))),
    ];
    bench.commit(1, effects).await.unwrap();
    let alerts = async |filter: AlertFilter| {
        let found = store.alerts(&filter, &all()).await.unwrap().items;
        found.iter().map(|alert| alert.updated_at.since(at(0)).as_micros() / 1_000_000).collect::<Vec<_>>()
    };
    assert_eq!(alerts(AlertFilter::default()).await, [2, 1]);
    assert_eq!(alerts(AlertFilter { firing: Some(true), ..AlertFilter::default() }).await, [1]);
    assert_eq!(alerts(AlertFilter { firing: Some(false), ..AlertFilter::default() }).await, [2]);
    assert_eq!(alerts(AlertFilter { rule: Some("other".to_owned()), ..AlertFilter::default() }).await, [2]);
    assert_eq!(alerts(AlertFilter { source: Some("zabbix".to_owned()), ..AlertFilter::default() }).await, [1]);
    assert_eq!(alerts(AlertFilter { text: Some("端口 P1".to_owned()), ..AlertFilter::default() }).await, [1]);
    let problems = async |filter: ProblemFilter| {
        store.problems(&filter, &all()).await.unwrap().items.iter().map(|problem| problem.id.0).collect::<Vec<_>>()
    };
    assert_eq!(problems(ProblemFilter::default()).await, [2, 1]);
    assert_eq!(problems(ProblemFilter { states: vec![ProblemState::New], ..ProblemFilter::default() }).await, [1]);
    assert_eq!(problems(ProblemFilter { team: Some("三线".to_owned()), ..ProblemFilter::default() }).await, [2]);
    assert_eq!(problems(ProblemFilter { text: Some("中断 2".to_owned()), ..ProblemFilter::default() }).await, [2]);
    let runs = async |filter: RunFilter| {
        store.runs(&filter, &all()).await.unwrap().items.iter().map(|run| run.id.0).collect::<Vec<_>>()
    };
    assert_eq!(runs(RunFilter::default()).await, [2, 1]);
    assert_eq!(runs(RunFilter { states: vec![RunState::Missed], ..RunFilter::default() }).await, [2]);
    assert_eq!(runs(RunFilter { plan: Some("daily".to_owned()), ..RunFilter::default() }).await, [1]);
    let audited = async |filter: AuditFilter| {
        let found = store.audit(&filter, &all()).await.unwrap().items;
        found.iter().map(|entry| entry.cause.offset.0).collect::<Vec<_>>()
    };
    assert_eq!(audited(AuditFilter::default()).await, [2, 1]);
    assert_eq!(audited(AuditFilter { actor: Some("li.na".to_owned()), ..AuditFilter::default() }).await, [1]);
    assert_eq!(audited(AuditFilter { subject: Some("INC-2".to_owned()), ..AuditFilter::default() }).await, [2]);
    assert_eq!(audited(AuditFilter { action: Some("silence.put".to_owned()), ..AuditFilter::default() }).await, [2]);
}

/// Follows the cursors to the end; the sizes of the pages, and all items.
async fn follow<T, F: Future<Output = Result<Page<T>, StoreError>>>(
    read: impl Fn(PageRequest) -> F,
) -> (Vec<usize>, Vec<T>) {
    let (mut sizes, mut items, mut cursor) = (Vec::new(), Vec::new(), None);
    loop {
        let page = read(page(3, cursor)).await.unwrap();
        sizes.push(page.items.len());
        items.extend(page.items);
        cursor = page.next;
        if cursor.is_none() {
            return (sizes, items);
        }
    }
}

async fn pages_follow_one_another_to_the_end(bench: Bench) {
    let mut effects: Vec<Effect> = (0..7).map(|n| shared(RecordChange::Incident, incident(n))).collect();
    // All at one moment: only the fingerprint tells them apart.
    let same_time = |n| AlertRecord { updated_at: at(0), ..alert(n, Status::Firing) };
    effects.extend((0..7).map(|n| shared(RecordChange::Alert, same_time(n))));
    let entries = vec![(CORRELATOR, tick(0))];
    let dead_letters = (0..6).map(dead_letter).collect();
    bench.store.commit(&bench.lease, &Batch { entries, effects, dead_letters, ..Batch::default() }).await.unwrap();
    let store = &bench.store;

    let (sizes, incidents) = follow(async |page| store.incidents(&IncidentFilter::default(), &page).await).await;
    assert_eq!(sizes, [3, 3, 1]);
    assert_eq!(incidents.iter().map(|incident| incident.id.0).collect::<Vec<_>>(), [6, 5, 4, 3, 2, 1, 0]);
    let (sizes, alerts) = follow(async |page| store.alerts(&AlertFilter::default(), &page).await).await;
    let mut fingerprints: Vec<Fingerprint> = alerts.iter().map(|alert| alert.fingerprint).collect();
    fingerprints.sort();
    fingerprints.dedup();
    assert_eq!((sizes, fingerprints.len()), (vec![3, 3, 1], 7));
    let (sizes, letters) = follow(async |page| store.dead_letters(&page).await).await;
    assert_eq!(sizes, [3, 3]);
    assert!(letters.windows(2).all(|two| two[0].id > two[1].id));

    let limited = |limit| async move { store.incidents(&IncidentFilter::default(), &page(limit, None)).await.unwrap() };
    assert_eq!(limited(0).await.items.len(), 1, "a page holds at least one");
    assert_eq!(limited(u32::MAX).await.items.len(), 7);
}

async fn a_foreign_cursor_is_refused(bench: Bench) {
    bench.commit(1, (0..3).map(|n| shared(RecordChange::Incident, incident(n))).collect()).await.unwrap();
    let next = bench.store.incidents(&IncidentFilter::default(), &page(1, None)).await.unwrap().next;
    let error = bench.store.problems(&ProblemFilter::default(), &page(1, next)).await.unwrap_err();
    assert!(matches!(error, StoreError::BadCursor { .. }), "{error}");
    let typed = Some("' OR 1=1".to_owned());
    let error = bench.store.alerts(&AlertFilter::default(), &page(1, typed)).await.unwrap_err();
    assert!(error.to_string().contains("is not a cursor of this list"), "{error}");
}

async fn a_notice_waits_until_it_is_delivered_or_given_up(bench: Bench) {
    let store = &bench.store;
    let deliver = async |offset: u64, attempt: u32, outcome: DeliveryOutcome| {
        let head = store.head(DESK).await.unwrap();
        let result = delivery(offset, attempt, outcome);
        let input = Input::Desk(DeskInput::Delivery(result.clone()));
        let entries = vec![(DESK, JournalEntry { offset: head, now: at(100 + i64::from(attempt)), input })];
        let effects = vec![Effect::Record(RecordChange::Delivery(result))];
        store.commit(&bench.lease, &Batch { entries, effects, ..Batch::default() }).await.unwrap();
    };
    let waiting = async || {
        let rows = store.outbox(None, 10).await.unwrap();
        rows.iter().map(|row| (row.notice.cause.offset.0, row.attempts)).collect::<Vec<_>>()
    };
    bench.commit(1, (1..4).map(|n| told(notice(n, "INC-1"))).collect()).await.unwrap();
    assert_eq!(waiting().await, [(1, 0), (2, 0), (3, 0)]);
    let failed = DeliveryOutcome::Failed { error: "超时".to_owned() };
    let given_up = DeliveryOutcome::DeadLettered { error: "410".to_owned() };
    deliver(1, 1, failed.clone()).await;
    deliver(2, 1, DeliveryOutcome::Delivered).await;
    assert_eq!(waiting().await, [(1, 1), (3, 0)]);
    deliver(1, 2, given_up.clone()).await;
    deliver(2, 2, failed).await;
    assert_eq!(waiting().await, [(3, 0)]);
    let log = store.deliveries("INC-1").await.unwrap();
    let log: Vec<_> = log.into_iter().map(|row| (row.attempts, row.outcome, row.delivered_at)).collect();
    assert_eq!(log, [(2, Some(given_up), None), (1, Some(DeliveryOutcome::Delivered), Some(at(101))), (0, None, None)]);
    assert_eq!(store.outbox(None, 0).await.unwrap().len(), 0);
}

async fn a_damaged_block_names_itself(bench: Bench) {
    bench.commit(2, vec![]).await.unwrap();
    bench.commit(2, vec![]).await.unwrap();
    bench
        .execute(
            "UPDATE blocks SET body = (SELECT effects_hash FROM blocks WHERE first_offset = 0) WHERE first_offset = 2",
        )
        .await;
    let error = bench.store.read_journal(CORRELATOR, Offset(0), 10).await.unwrap_err();
    assert!(matches!(&error, StoreError::Corrupt { table: "blocks", .. }), "{error}");
    assert!(error.to_string().contains("partition 0, offset 2"), "{error}");
    assert_eq!(bench.store.read_journal(CORRELATOR, Offset(0), 2).await.unwrap(), [tick(0), tick(1)]);
    // A block in a foreign place has a good checksum, and the wrong offsets.
    bench
        .execute("UPDATE blocks SET body = (SELECT body FROM blocks WHERE first_offset = 0) WHERE first_offset = 2")
        .await;
    let error = bench.store.read_journal(CORRELATOR, Offset(2), 10).await.unwrap_err();
    assert!(error.to_string().contains("do not follow"), "{error}");
    bench.execute("DELETE FROM blocks WHERE first_offset = 0").await;
    let error = bench.store.read_journal(CORRELATOR, Offset(1), 10).await.unwrap_err();
    assert!(matches!(error, StoreError::Trimmed { from: Offset(1), earliest: Offset(2), .. }), "{error}");
    bench.execute("DELETE FROM blocks").await;
    let error = bench.store.read_journal(CORRELATOR, Offset(1), 10).await.unwrap_err();
    assert!(matches!(error, StoreError::Trimmed { from: Offset(1), earliest: Offset(4), .. }), "{error}");
    assert_eq!(bench.store.read_journal(CORRELATOR, Offset(4), 10).await.unwrap(), []);
}

async fn a_damaged_record_names_itself(bench: Bench) {
    bench.commit(1, vec![shared(RecordChange::Incident, incident(7))]).await.unwrap();
    bench.store.flush().await.unwrap();
    bench.execute("UPDATE incidents SET body = '{\"id\": 7'").await;
    for error in [
        bench.store.incident(IncidentId(7)).await.unwrap_err(),
        bench.store.incidents(&IncidentFilter::default(), &all()).await.unwrap_err(),
    ] {
        assert!(error.to_string().starts_with("incidents: row INC-7 cannot be read"), "{error}");
    }
}

fn section(name: &str, text: &str) -> (SectionRef, Vec<u8>) {
    use sha2::Digest;
    let digest = sha2::Sha256::digest(text.as_bytes()).into();
    (SectionRef { name: name.to_owned(), digest }, text.as_bytes().to_vec())
}

fn manifest(next_offset: u64, sections: &[(&str, &str)]) -> Manifest {
    Manifest {
        partition: CORRELATOR,
        next_offset: Offset(next_offset),
        taken_at: at(next_offset as i64),
        engine_version: ENGINE_VERSION,
        rulebook: RulebookHash([7; 32]),
        sections: sections.iter().map(|(name, text)| section(name, text).0).collect(),
    }
}

/// Saves a snapshot, handing in all its sections.
async fn save(bench: &Bench, next_offset: u64, sections: &[(&str, &str)]) -> Result<(), CommitError> {
    let new: Vec<_> = sections.iter().map(|(name, text)| section(name, text)).collect();
    bench.store.save_snapshot(&bench.lease, &manifest(next_offset, sections), &new).await
}

async fn snapshots_keep_two_manifests_and_what_they_name(bench: Bench) {
    let store = &bench.store;
    bench.commit(9, vec![]).await.unwrap();
    let large = "区".repeat(1 << 20);
    save(&bench, 2, &[("alerts/0", "甲"), ("alerts/1", &large)]).await.unwrap();
    // Only what changed is handed in.
    let second = manifest(4, &[("alerts/0", "乙"), ("alerts/1", &large)]);
    store.save_snapshot(&bench.lease, &second, &[section("alerts/0", "乙")]).await.unwrap();
    assert_eq!(store.section(CORRELATOR, &section("alerts/0", "甲").0).await.unwrap(), "甲".as_bytes());
    let third = manifest(6, &[("alerts/0", "乙"), ("alerts/1", "丙")]);
    store.save_snapshot(&bench.lease, &third, &[section("alerts/1", "丙")]).await.unwrap();
    assert_eq!(store.manifests(CORRELATOR).await.unwrap(), [third.clone(), second.clone()]);
    assert_eq!(store.manifests(DESK).await.unwrap(), []);
    assert_eq!(store.section(CORRELATOR, &second.sections[1]).await.unwrap(), large.as_bytes());
    let gone = store.section(CORRELATOR, &section("alerts/0", "甲").0).await.unwrap_err();
    assert!(gone.to_string().contains("it is missing"), "{gone}");
    // Once more at the same offset: it replaces.
    save(&bench, 6, &[("alerts/0", "丁")]).await.unwrap();
    assert_eq!(store.manifests(CORRELATOR).await.unwrap(), [manifest(6, &[("alerts/0", "丁")]), second]);
    // A manifest of nothing is one too.
    save(&bench, 7, &[]).await.unwrap();
    assert_eq!(store.manifests(CORRELATOR).await.unwrap()[0], manifest(7, &[]));
}

async fn a_snapshot_without_its_sections_is_refused(bench: Bench) {
    bench.commit(3, vec![]).await.unwrap();
    save(&bench, 1, &[("a", "一")]).await.unwrap();
    let named = manifest(2, &[("a", "一"), ("b", "二")]);
    let error = bench.store.save_snapshot(&bench.lease, &named, &[]).await.unwrap_err();
    assert!(
        matches!(&error, CommitError::Content { reason } if reason.contains("names 2 sections, 1 are there")),
        "{error}"
    );
    let (reference, _) = section("b", "二");
    let error = bench.store.save_snapshot(&bench.lease, &named, &[(reference, b"other".to_vec())]).await.unwrap_err();
    assert!(matches!(error, CommitError::Content { .. }), "{error}");
    // Above the head lies a state that was never committed.
    let error = save(&bench, 4, &[("a", "一")]).await.unwrap_err();
    assert!(matches!(error, CommitError::OutOfStep { head: Offset(3), .. }), "{error}");
    assert_eq!(bench.store.manifests(CORRELATOR).await.unwrap(), [manifest(1, &[("a", "一")])]);
}

async fn a_damaged_section_is_not_handed_out(bench: Bench) {
    bench.commit(1, vec![]).await.unwrap();
    save(&bench, 1, &[("a", "一"), ("b", "二")]).await.unwrap();
    bench.execute("UPDATE sections SET body = (SELECT body FROM sections WHERE name = 'b') WHERE name = 'a'").await;
    let error = bench.store.section(CORRELATOR, &section("a", "一").0).await.unwrap_err();
    assert!(error.to_string().contains("not what its digest says"), "{error}");
}

/// Blocks of one entry each, an entry a second.
async fn blocks(bench: &Bench, partition: Partition, count: u64) {
    for _ in 0..count {
        let head = bench.store.head(partition).await.unwrap();
        let entries = vec![(partition, tick(head.0))];
        bench.store.commit(&bench.lease, &Batch { entries, ..Batch::default() }).await.unwrap();
    }
}

/// The offsets of the blocks that are left.
async fn left(bench: &Bench, partition: Partition) -> Vec<u64> {
    bench.store.blocks(partition, Offset(0), 100).await.unwrap().iter().map(|block| block.first.0).collect()
}

async fn retention_never_reaches_above_the_older_manifest(bench: Bench) {
    let retain = async |keep: i64, max_bytes: u64| {
        bench.store.retain(&bench.lease, at(100), TimeDelta::from_seconds(keep), max_bytes).await.unwrap()
    };
    let entries = vec![(CORRELATOR, tick(0))];
    let rulebooks = vec![Arc::new(rulebook(1))];
    bench.store.commit(&bench.lease, &Batch { entries, rulebooks, ..Batch::default() }).await.unwrap();
    blocks(&bench, CORRELATOR, 9).await;
    let all: u64 = bench.store.blocks(CORRELATOR, Offset(0), 100).await.unwrap().iter().map(|block| block.bytes).sum();
    assert_eq!(retain(0, 0).await, (0, all), "no manifest, nothing goes");
    save(&bench, 6, &[("a", "一")]).await.unwrap();
    assert_eq!(retain(0, 0).await, (0, all), "one manifest, nothing goes");
    save(&bench, 8, &[("a", "二")]).await.unwrap();
    // Entries are of seconds 0 to 9; at second 100 those older than 98 s are of 0 and 1.
    assert_eq!(retain(98, u64::MAX).await.0, 2);
    assert_eq!(left(&bench, CORRELATOR).await, [2, 3, 4, 5, 6, 7, 8, 9]);
    let (gone, bytes_left) = retain(0, 0).await;
    assert_eq!((gone, left(&bench, CORRELATOR).await), (4, vec![6, 7, 8, 9]));
    let counted: u64 =
        bench.store.blocks(CORRELATOR, Offset(0), 9).await.unwrap().iter().map(|block| block.bytes).sum();
    assert_eq!(bytes_left, counted);
    assert_eq!(bench.store.read_journal(CORRELATOR, Offset(6), 9).await.unwrap(), ticks(6, 4).collect::<Vec<_>>());
    let error = bench.store.read_journal(CORRELATOR, Offset(5), 9).await.unwrap_err();
    assert!(matches!(error, StoreError::Trimmed { earliest: Offset(6), .. }), "{error}");
    assert!(bench.store.rulebook(RulebookHash([1; 32])).await.unwrap().is_some());
    blocks(&bench, CORRELATOR, 1).await;
}

async fn retention_by_size_takes_the_oldest_of_all_partitions_first(bench: Bench) {
    blocks(&bench, CORRELATOR, 6).await;
    blocks(&bench, DESK, 6).await;
    for partition in [CORRELATOR, DESK] {
        for next_offset in [5, 6] {
            let manifest = Manifest { partition, ..manifest(next_offset, &[]) };
            bench.store.save_snapshot(&bench.lease, &manifest, &[]).await.unwrap();
        }
    }
    let sizes: Vec<u64> =
        bench.store.blocks(DESK, Offset(0), 100).await.unwrap().iter().map(|block| block.bytes).collect();
    let room = 2 * sizes[2..].iter().sum::<u64>();
    let (gone, bytes_left) = bench.store.retain(&bench.lease, at(5), TimeDelta::from_days(1), room).await.unwrap();
    assert_eq!((gone, bytes_left), (4, room));
    assert_eq!(left(&bench, CORRELATOR).await, [2, 3, 4, 5]);
    assert_eq!(left(&bench, DESK).await, [2, 3, 4, 5]);
}

async fn settings_rulebooks_and_partitions_read_back(bench: Bench) {
    let store = &bench.store;
    assert_eq!(store.setting("domain").await.unwrap(), None);
    store.put_setting("domain", "站点").await.unwrap();
    store.put_setting("domain", "site").await.unwrap();
    assert_eq!(store.setting("domain").await.unwrap(), Some("site".to_owned()));
    assert_eq!(store.partitions().await.unwrap(), []);
    // The same rulebook again, as after a reload that changes nothing.
    for offset in 0..2 {
        let entries = vec![(Partition::new(63).unwrap(), tick(offset))];
        let rulebooks = vec![Arc::new(rulebook(3))];
        store.commit(&bench.lease, &Batch { entries, rulebooks, ..Batch::default() }).await.unwrap();
    }
    assert_eq!(store.partitions().await.unwrap(), [Partition::new(63).unwrap()]);
    assert_eq!(store.rulebook(RulebookHash([3; 32])).await.unwrap(), Some(rulebook(3).texts));
}

async fn tokens_are_named_once_and_audited(bench: Bench) {
    let store = &bench.store;
    let token = |name: &str, role, n| TokenRow {
        name: name.to_owned(),
        role,
        sha256: [n; 32],
        created_at: at(i64::from(n)),
        revoked_at: None,
    };
    let zabbix = token("zabbix 推送", TokenRole::Ingest { source: "zabbix".to_owned() }, 1);
    let admin = token("admin", TokenRole::Admin, 2);
    store.add_token(&zabbix).await.unwrap();
    store.add_token(&admin).await.unwrap();
    assert_eq!(store.tokens().await.unwrap(), [admin.clone(), zabbix.clone()]);
    let error = store.add_token(&token("admin", TokenRole::Viewer, 3)).await.unwrap_err();
    assert!(matches!(error, StoreError::NameTaken { .. }), "{error}");
    assert!(store.revoke_token("admin", at(9)).await.unwrap());
    assert!(!store.revoke_token("admin", at(10)).await.unwrap());
    assert!(!store.revoke_token("nobody", at(10)).await.unwrap());
    assert_eq!(store.tokens().await.unwrap(), [TokenRow { revoked_at: Some(at(9)), ..admin }, zabbix]);
    let audited = store.audit(&AuditFilter::default(), &all()).await.unwrap().items;
    let audited: Vec<_> = audited.iter().map(|entry| (entry.action.as_str(), entry.subject.as_str())).collect();
    assert_eq!(audited, [("token.revoke", "admin"), ("token.add", "admin"), ("token.add", "zabbix 推送")]);
}

async fn a_revoked_name_is_given_again_and_its_old_secret_stays_worthless(bench: Bench) {
    let store = &bench.store;
    let token = |role, n| TokenRow {
        name: "一线值班甲".to_owned(),
        role,
        sha256: [n; 32],
        created_at: at(i64::from(n)),
        revoked_at: None,
    };
    let (old, new) = (token(TokenRole::FirstLine, 1), token(TokenRole::SecondLine, 9));
    store.add_token(&old).await.unwrap();
    assert!(store.revoke_token("一线值班甲", at(5)).await.unwrap());
    // The secret that was lost cannot come back under its name.
    let error = store.add_token(&old).await.unwrap_err();
    assert!(matches!(error, StoreError::NameTaken { .. }), "{error}");
    store.add_token(&new).await.unwrap();
    assert_eq!(store.tokens().await.unwrap(), std::slice::from_ref(&new));
    let error = store.add_token(&token(TokenRole::Admin, 10)).await.unwrap_err();
    assert!(matches!(error, StoreError::NameTaken { .. }), "{error}");
    assert_eq!(store.tokens().await.unwrap(), [new]);
    let audited = store.audit(&AuditFilter::default(), &all()).await.unwrap().items;
    let audited: Vec<_> = audited.iter().map(|entry| (entry.action.as_str(), entry.detail.as_str())).collect();
    assert_eq!(audited, [("token.add", "second_line"), ("token.revoke", ""), ("token.add", "first_line")]);
}

async fn commits_are_durable_when_they_return(bench: Bench) {
    let expected = if bench.directory.is_some() { "full" } else { "on" };
    assert_eq!(bench.store.durability_in_writer().await.unwrap(), expected);
    bench.commit(1, vec![]).await.unwrap();
    assert_eq!(bench.store.durability_in_writer().await.unwrap(), expected);
}

async fn every_statement_fits_the_schema(bench: Bench) {
    let prepared = bench.store.check_schema().await.unwrap();
    println!("{prepared} statements were prepared");
    assert!(prepared > 50, "{prepared}");
}

async fn a_schema_that_is_not_ours_stops_the_start(bench: Bench) {
    bench.execute("ALTER TABLE outbox RENAME COLUMN attempts TO tries").await;
    let error = Store::open(&bench.url).await.err().unwrap();
    assert!(error.to_string().contains("attempts"), "{error}");
}

/// Lets a commit run for a while, drops it, and looks what became of it.
async fn a_commit_dropped_at_any_moment_is_whole_or_nothing(bench: Bench) {
    let mut landed = 0;
    for round in 0..40_u64 {
        let head = bench.store.head(CORRELATOR).await.unwrap().0;
        let batch = Batch {
            entries: ticks(head, 3).map(|entry| (CORRELATOR, entry)).collect(),
            effects: vec![
                shared(RecordChange::Incident, incident(round)),
                Effect::Record(RecordChange::Timeline(timeline(round, "一"))),
            ],
            ..Batch::default()
        };
        // However long it takes: any outcome is right as long as head, journal and records agree.
        let patience = Duration::from_micros(round * 150);
        let _ = tokio::time::timeout(patience, bench.store.commit(&bench.lease, &batch)).await;
        let after = bench.store.head(CORRELATOR).await.unwrap().0;
        assert!(after == head || after == head + 3, "round {round}: from {head} to {after}");
        let there = u64::from(after > head);
        landed += there;
        // As the driver does when only the answer was lost.
        bench.store.enqueue(if there == 1 { &batch.effects } else { &[] });
        assert_eq!(u64::from(bench.store.incident(IncidentId(round)).await.unwrap().is_some()), there);
        assert_eq!(bench.store.timeline(IncidentId(round)).await.unwrap().len() as u64, there);
        assert_eq!(bench.store.read_journal(CORRELATOR, Offset(0), 1_000).await.unwrap().len() as u64, after);
    }
    println!("{landed} of 40 dropped commits had landed");
    bench.commit(1, vec![]).await.unwrap();
}

async fn readers_see_whole_commits_while_one_writes(bench: Bench) {
    let done = Arc::new(AtomicBool::new(false));
    let reader = |store: Store, done: Arc<AtomicBool>| async move {
        let mut looks = 0;
        while !done.load(Ordering::Acquire) {
            // Both incidents are always written together.
            let page = store.incidents(&IncidentFilter::default(), &all()).await.unwrap();
            let versions: Vec<u64> = page.items.iter().map(|incident| incident.version).collect();
            assert!(versions.is_empty() || versions == [versions[0]; 2], "{versions:?}");
            looks += 1;
        }
        looks
    };
    let readers: Vec<_> = (0..3).map(|_| tokio::spawn(reader(bench.store.clone(), Arc::clone(&done)))).collect();
    for version in 1..50 {
        let record = |id| shared(RecordChange::Incident, Incident { version, ..incident(id) });
        bench.commit(10, vec![record(1), record(2)]).await.unwrap();
    }
    done.store(true, Ordering::Release);
    for reader in readers {
        assert!(reader.await.unwrap() > 0);
    }
}

async fn several_may_open_a_new_database_at_once(bench: Bench) {
    for round in 0..3 {
        let url = match &bench.directory {
            Some(directory) => format!("sqlite:{}/new-{round}.db", directory.path().display()),
            None => postgres::database().await,
        };
        let openers: Vec<_> = (0..8)
            .map(|_| {
                tokio::spawn({
                    let url = url.clone();
                    async move { Store::open(&url).await }
                })
            })
            .collect();
        let mut epochs = Vec::new();
        for opener in openers {
            epochs.push(opener.await.unwrap().unwrap().take_lease("one of eight").await.unwrap().epoch);
        }
        assert_eq!(epochs, [1, 2, 3, 4, 5, 6, 7, 8]);
    }
}

async fn what_was_committed_is_there_after_opening_again(bench: Bench) {
    bench.commit(2, vec![shared(RecordChange::Incident, incident(1))]).await.unwrap();
    let Bench { store, lease, url, directory } = bench;
    let before = everything(&store).await;
    drop(store);
    let again = Bench { directory, ..Bench::open(url).await };
    assert_eq!(everything(&again.store).await, before);
    assert_eq!(again.store.head(CORRELATOR).await.unwrap(), Offset(2));
    assert!(again.lease.epoch > lease.epoch);
}

/// What every door may hold across threads: each operation can be spawned.
#[tokio::test]
async fn every_operation_can_run_on_any_thread() {
    fn sendable<T>(_operation: &(impl Future<Output = T> + Send)) {}
    let bench = Bench::sqlite().await;
    let (store, lease) = (&bench.store, &bench.lease);
    let (reference, _) = section("a", "一");
    sendable(&store.commit(lease, &Batch::default()));
    sendable(&store.take_lease("x"));
    sendable(&store.head(DESK));
    sendable(&store.read_journal(DESK, Offset(0), 1));
    sendable(&store.blocks(DESK, Offset(0), 1));
    sendable(&store.partitions());
    sendable(&store.manifests(DESK));
    sendable(&store.section(DESK, &reference));
    sendable(&store.save_snapshot(lease, &manifest(1, &[]), &[]));
    sendable(&store.retain(lease, at(0), TimeDelta::ZERO, 0));
    sendable(&store.incidents(&IncidentFilter::default(), &all()));
    sendable(&store.alerts(&AlertFilter::default(), &all()));
    sendable(&store.problems(&ProblemFilter::default(), &all()));
    sendable(&store.runs(&RunFilter::default(), &all()));
    sendable(&store.audit(&AuditFilter::default(), &all()));
    sendable(&store.dead_letters(&all()));
    sendable(&store.members(IncidentId(1)));
    sendable(&store.timeline(IncidentId(1)));
    sendable(&store.evidence(IncidentId(1)));
    sendable(&store.outbox(None, 1));
    sendable(&store.deliveries("INC-1"));
    sendable(&store.tokens());
    sendable(&store.revoke_token("x", at(0)));
    sendable(&store.setting("x"));
    sendable(&store.put_setting("x", "y"));
}

#[tokio::test]
async fn an_address_that_cannot_be_opened_says_why_and_no_secret() {
    let check = async |url: &str, expected: &str| {
        let error = Store::open(url).await.err().unwrap().to_string();
        assert!(error.contains(expected), "{url}: {error}");
        assert!(!error.contains("s3cret"), "{error}");
    };
    check("mysql://root:s3cret@db/x", "expected sqlite:PATH or postgres://").await;
    check("s3cret", "expected sqlite:PATH").await;
    check("sqlite:", "expected the path of a file").await;
    check("sqlite::memory:", "expected the path of a file").await;
    check("sqlite:/proc/watchfire/w.db", "/proc/watchfire").await;
    check("sqlite:w.db?mode=memory", "unknown parameter").await;
    // Port 1 of this machine: nobody listens.
    check("postgres://me:s3cret@127.0.0.1:1/w", "cannot open postgres://me:***@127.0.0.1:1/w").await;
}

/// Expects that nothing of the batch was kept, that it says "unavailable", and that it passes once the fault is gone.
async fn fails_then_recovers(bench: &Bench, fault: &str, recover: impl AsyncFnOnce()) {
    let head = bench.store.head(CORRELATOR).await.map(|head| head.0);
    let first = head.unwrap_or(0);
    let batch = || Batch {
        entries: ticks(first, 2).map(|entry| (CORRELATOR, entry)).collect(),
        effects: of_incident(99),
        ..Batch::default()
    };
    let error = bench.store.commit(&bench.lease, &batch()).await.unwrap_err();
    assert!(matches!(error, CommitError::Unavailable(_)), "{fault}: {error}");
    recover().await;
    assert_eq!(bench.store.head(CORRELATOR).await.unwrap(), Offset(first), "{fault}");
    assert_eq!(bench.store.incident(IncidentId(99)).await.unwrap(), None, "{fault}");
    bench.store.commit(&bench.lease, &batch()).await.unwrap();
    assert_eq!(bench.store.head(CORRELATOR).await.unwrap(), Offset(first + 2), "{fault}");
}

#[tokio::test]
async fn a_sqlite_file_locked_by_another_process_is_unavailable_until_it_lets_go() {
    let directory = tempfile::tempdir().unwrap();
    let path = format!("{}/w.db", directory.path().display());
    let url = format!("sqlite:{path}");
    let bench = Bench { directory: Some(directory), ..Bench::open_with(url, TimeDelta::from_seconds(1)).await };
    bench.commit(1, vec![shared(RecordChange::Incident, incident(1))]).await.unwrap();
    bench.store.flush().await.unwrap();
    let mut other = SqliteConnection::connect(&path).await.unwrap();
    other.execute("BEGIN IMMEDIATE").await.unwrap();
    // What is written can be read all the while; where the head is cannot be promised.
    assert_eq!(bench.store.incident(IncidentId(1)).await.unwrap(), Some(incident(1)));
    assert!(bench.store.head(CORRELATOR).await.is_err());
    let batch = Batch { entries: vec![(CORRELATOR, tick(1))], ..Batch::default() };
    let error = bench.store.commit(&bench.lease, &batch).await.unwrap_err();
    assert!(matches!(error, CommitError::Unavailable(_)), "{error}");
    other.execute("ROLLBACK").await.unwrap();
    assert_eq!(bench.store.head(CORRELATOR).await.unwrap(), Offset(1));
    bench.store.commit(&bench.lease, &batch).await.unwrap();
}

#[tokio::test]
async fn a_full_sqlite_file_is_unavailable_until_retention_makes_room() {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}/w.db?max_bytes=600000", directory.path().display());
    let bench = Bench { directory: Some(directory), ..Bench::open(url).await };
    bench.commit(4_000, vec![]).await.unwrap();
    bench.commit(4_000, vec![]).await.unwrap();
    bench.commit(10, vec![]).await.unwrap();
    save(&bench, 8_000, &[("a", "一")]).await.unwrap();
    save(&bench, 8_001, &[("a", "二")]).await.unwrap();
    let full = async |bench: &Bench| {
        for round in 0..10_000 {
            let head = bench.store.head(CORRELATOR).await.unwrap();
            let effects = vec![Effect::Record(RecordChange::Timeline(timeline(1, &"满".repeat(5_000))))];
            if let Err(error) = bench.commit(100, effects).await {
                assert!(matches!(error, CommitError::Unavailable(_)), "{error}");
                assert_eq!(bench.store.head(CORRELATOR).await.unwrap(), head);
                assert_eq!(bench.store.timeline(IncidentId(1)).await.unwrap().len(), round);
                return;
            }
        }
        panic!("it never was full");
    };
    full(&bench).await;
    assert_eq!(bench.store.read_journal(CORRELATOR, Offset(0), 10).await.unwrap().len(), 4_000);
    let (gone, _) = bench.store.retain(&bench.lease, at(100_000), TimeDelta::ZERO, 0).await.unwrap();
    assert_eq!(gone, 2);
    bench.commit(100, vec![]).await.unwrap();
}

/// What the proxy does when the client's COMMIT comes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Fault {
    None,
    /// COMMIT passes, its answer does not, and the client's connection is cut.
    AnswerLost,
    /// The client's connection is cut before COMMIT passes, and the server's too.
    Cut,
    /// The client's connection is cut at once; COMMIT passes when the test says so.
    Late,
    /// COMMIT passes, and silence follows.
    Silence,
}

impl Fault {
    fn from_number(number: u8) -> Fault {
        [Fault::None, Fault::AnswerLost, Fault::Cut, Fault::Late, Fault::Silence][usize::from(number)]
    }
}

/// Stands between the store and PostgreSQL, and commits faults.
struct Proxy {
    port: u16,
    fault: Arc<AtomicU8>,
    /// Lets a `Late` COMMIT pass.
    go: Arc<Notify>,
}

impl Proxy {
    async fn to(port: u16) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Proxy {
            port: listener.local_addr().unwrap().port(),
            fault: Arc::new(AtomicU8::new(Fault::None as u8)),
            go: Arc::new(Notify::new()),
        };
        let (fault, go) = (Arc::clone(&proxy.fault), Arc::clone(&proxy.go));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                tokio::spawn(forward(client, server, Arc::clone(&fault), Arc::clone(&go)));
            }
        });
        proxy
    }

    fn set(&self, fault: Fault) {
        self.fault.store(fault as u8, Ordering::Release);
    }
}

async fn forward(client: TcpStream, server: TcpStream, fault: Arc<AtomicU8>, go: Arc<Notify>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let (mut asked, mut answered) = ([0; 16_384], [0; 16_384]);
    loop {
        tokio::select! {
            read = from_client.read(&mut asked) => {
                let Ok(length @ 1..) = read else { return };
                let piece = &asked[..length];
                let is_commit = piece.windows(7).any(|word| word == b"COMMIT\0");
                let fault = if is_commit { Fault::from_number(fault.load(Ordering::Acquire)) } else { Fault::None };
                if fault == Fault::Cut {
                    return;
                }
                if fault == Fault::Late {
                    drop((from_client, to_client));
                    go.notified().await;
                    return finish(piece, from_server, to_server).await;
                }
                if to_server.write_all(piece).await.is_err() {
                    return;
                }
                if fault == Fault::AnswerLost {
                    // The answer's first byte: the commit is done.
                    let _ = from_server.read(&mut answered[..1]).await;
                    return;
                }
                if fault == Fault::Silence {
                    while let Ok(1..) = from_client.read(&mut asked).await {}
                    return;
                }
            }
            read = from_server.read(&mut answered) => {
                let Ok(length @ 1..) = read else { return };
                if to_client.write_all(&answered[..length]).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// Sends the last words of a client that is gone, and waits for the answer to nobody.
async fn finish(piece: &[u8], mut from_server: OwnedReadHalf, mut to_server: OwnedWriteHalf) {
    to_server.write_all(piece).await.unwrap();
    let _ = from_server.read(&mut [0; 1]).await;
}

/// A store behind a proxy, on a database of its own.
async fn behind_proxy(patience: TimeDelta) -> (Bench, Proxy) {
    let direct = postgres::database().await;
    let (place, database) = direct.rsplit_once('/').unwrap();
    let proxy = Proxy::to(place.rsplit_once(':').unwrap().1.parse().unwrap()).await;
    let url = format!("postgres://postgres@127.0.0.1:{}/{database}?sslmode=disable", proxy.port);
    // What a test does behind the store's back takes the direct way.
    (Bench { url: direct, ..Bench::open_with(url, patience).await }, proxy)
}

fn progress(session: &str, settled_before: u64, number: Option<u64>) -> SessionProgress {
    let taken = number.map(|number| TakenMessage { number, packet_id: 65_535, digest: u128::MAX - u128::from(number) });
    SessionProgress { session: session.into(), settled_before, taken, facts: None }
}

/// Messages 7 to 9 of a session were taken in one commit.
async fn check_sessions(bench: &Bench) {
    let store = &bench.store;
    let numbers = async |session: &str| {
        let taken = store.taken_messages(session).await.unwrap();
        taken.iter().map(|message| message.number).collect::<Vec<_>>()
    };
    assert_eq!(store.taken_messages("a@broker").await.unwrap()[1], progress("", 0, Some(8)).taken.unwrap());
    let commit = async |progress: Vec<SessionProgress>| {
        store.commit(&bench.lease, &Batch { progress, ..Batch::default() }).await.unwrap();
    };
    commit(vec![progress("a@broker", 9, Some(10)), progress("b@broker", 0, Some(0))]).await;
    assert_eq!((numbers("a@broker").await, numbers("b@broker").await), (vec![7, 8, 9, 10], vec![0]));
    commit(vec![progress("a@broker", 10, None)]).await;
    assert_eq!((numbers("a@broker").await, numbers("b@broker").await), (vec![10], vec![0]));
    assert!(numbers("another").await.is_empty());
    let facts = Some(SessionFacts { dropped: Some(u64::MAX) });
    commit(vec![SessionProgress { facts, ..progress("a@broker", 0, None) }]).await;
    assert_eq!(store.session_facts("a@broker").await.unwrap(), facts);
    assert_eq!(store.session_facts("b@broker").await.unwrap(), None);
}

fn one_incident(offset: u64) -> Batch {
    let entries = vec![(CORRELATOR, tick(offset))];
    Batch { entries, effects: of_incident(offset), ..Batch::default() }
}

/// Its record, and a line of its timeline, which is written with the journal.
fn of_incident(id: u64) -> Vec<Effect> {
    vec![shared(RecordChange::Incident, incident(id)), Effect::Record(RecordChange::Timeline(timeline(id, "打开")))]
}

#[tokio::test]
async fn a_lost_answer_is_told_apart_by_the_head() {
    for (fault, landed) in [(Fault::AnswerLost, true), (Fault::Cut, false), (Fault::Silence, true)] {
        let (bench, proxy) = behind_proxy(TimeDelta::from_seconds(2)).await;
        bench.commit(1, vec![]).await.unwrap();
        proxy.set(fault);
        let effects = one_incident(1).effects;
        let error = bench.store.commit(&bench.lease, &one_incident(1)).await.unwrap_err();
        assert!(matches!(error, CommitError::Unavailable(_)), "{fault:?}: {error}");
        proxy.set(Fault::None);
        let head = bench.store.head(CORRELATOR).await.unwrap();
        assert_eq!(head, Offset(1 + u64::from(landed)), "{fault:?}");
        // As the driver does.
        bench.store.enqueue(if landed { &effects } else { &[] });
        assert_eq!(bench.store.incident(IncidentId(1)).await.unwrap().is_some(), landed, "{fault:?}");
        bench.store.commit(&bench.lease, &one_incident(head.0)).await.unwrap();
    }
}

/// Waits until a backend of this database waits for a lock.
async fn until_somebody_waits_for_a_lock(url: &str) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let waiting =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    until("somebody waits for a lock", async || {
        let count: i64 = sqlx::query_scalar(waiting).fetch_one(&mut connection).await.unwrap();
        (count > 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_head_is_not_told_before_a_commit_under_way_is_over() {
    let (bench, proxy) = behind_proxy(TimeDelta::from_seconds(60)).await;
    bench.commit(1, vec![]).await.unwrap();
    proxy.set(Fault::Late);
    let error = bench.store.commit(&bench.lease, &one_incident(1)).await.unwrap_err();
    assert!(matches!(error, CommitError::Unavailable(_)), "{error}");
    proxy.set(Fault::None);
    // The server has not seen the COMMIT: whoever looked now would see the old head, and be wrong a moment later.
    let store = bench.store.clone();
    let head = tokio::spawn(async move { store.head(CORRELATOR).await });
    until_somebody_waits_for_a_lock(&bench.url).await;
    assert!(!head.is_finished());
    proxy.go.notify_one();
    assert_eq!(head.await.unwrap().unwrap(), Offset(2));
}

#[tokio::test]
async fn a_backend_killed_in_mid_transaction_leaves_nothing_behind() {
    let bench = Bench::postgres().await;
    bench.commit(1, vec![]).await.unwrap();
    let mut other = PgConnection::connect(&bench.url).await.unwrap();
    other.execute(sqlx::raw_sql("BEGIN; LOCK TABLE timeline IN ACCESS EXCLUSIVE MODE")).await.unwrap();
    let (store, lease) = (bench.store.clone(), bench.lease.clone());
    let commit = tokio::spawn(async move { store.commit(&lease, &one_incident(1)).await });
    // Its block is written, its timeline waits.
    until_somebody_waits_for_a_lock(&bench.url).await;
    let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    other.execute(kill).await.unwrap();
    other.execute("ROLLBACK").await.unwrap();
    let error = commit.await.unwrap().unwrap_err();
    assert!(matches!(error, CommitError::Unavailable(_)), "{error}");
    assert_eq!(bench.store.head(CORRELATOR).await.unwrap(), Offset(1));
    assert_eq!(bench.store.incident(IncidentId(1)).await.unwrap(), None);
    bench.store.commit(&bench.lease, &one_incident(1)).await.unwrap();
}

#[tokio::test]
async fn a_table_locked_for_too_long_is_unavailable() {
    let bench = Bench::open_with(postgres::database().await, TimeDelta::from_seconds(2)).await;
    let mut other = PgConnection::connect(&bench.url).await.unwrap();
    other.execute(sqlx::raw_sql("BEGIN; LOCK TABLE timeline IN SHARE MODE")).await.unwrap();
    fails_then_recovers(&bench, "a locked table", async || {
        other.execute("ROLLBACK").await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_database_that_restarts_is_found_again() {
    let mut server = postgres::Server::start();
    let bench = Bench::open_with(server.create_database().await, TimeDelta::from_seconds(3)).await;
    bench.commit(3, vec![shared(RecordChange::Incident, incident(1))]).await.unwrap();
    assert!(bench.store.incident(IncidentId(1)).await.unwrap().is_some());
    // Restarted while nobody looked: the next commit passes at once.
    server.start_again();
    bench.commit(1, vec![]).await.unwrap();
    assert!(bench.store.incident(IncidentId(1)).await.unwrap().is_some());
    server.stop();
    let error = bench.store.incident(IncidentId(1)).await.unwrap_err();
    assert!(error.to_string().contains("did not answer within 3s"), "{error}");
    assert!(bench.store.head(CORRELATOR).await.is_err());
    let batch = Batch { entries: vec![(CORRELATOR, tick(4))], ..Batch::default() };
    let error = bench.store.commit(&bench.lease, &batch).await.unwrap_err();
    assert!(matches!(error, CommitError::Unavailable(_)), "{error}");
    server.start_again();
    assert_eq!(bench.store.head(CORRELATOR).await.unwrap(), Offset(4));
    bench.store.commit(&bench.lease, &batch).await.unwrap();
    assert_eq!(bench.store.read_journal(CORRELATOR, Offset(0), 10).await.unwrap(), ticks(0, 5).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_server_whose_default_is_not_durable_does_not_matter() {
    let bench = Bench::postgres().await;
    let mut connection = PgConnection::connect(&bench.url).await.unwrap();
    let alter: String =
        sqlx::query_scalar("SELECT format('ALTER DATABASE %I SET synchronous_commit = off', current_database())")
            .fetch_one(&mut connection)
            .await
            .unwrap();
    connection.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(alter))).await.unwrap();
    let again = Bench::open(bench.url.clone()).await;
    assert_eq!(again.store.durability_in_writer().await.unwrap(), "on");
    let mut connection = PgConnection::connect(&bench.url).await.unwrap();
    let default: String = sqlx::query_scalar("SHOW synchronous_commit").fetch_one(&mut connection).await.unwrap();
    assert_eq!(default, "off", "the test must have changed the default");
}

#[tokio::test]
async fn a_database_that_cannot_hold_every_script_is_refused() {
    let mut server = PgConnection::connect(&postgres::database().await).await.unwrap();
    let create = "CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'";
    server.execute(create).await.unwrap();
    let url = postgres::database().await;
    let (place, _) = url.rsplit_once('/').unwrap();
    let error = Store::open(&format!("{place}/latin")).await.err().unwrap();
    assert!(error.to_string().contains("its encoding is LATIN1"), "{error}");
}
