//! watchfire: monitoring events in; incidents, problems and inspections out, each with a person who takes care of it.
//!
//! # Architecture
//!
//! One log, one pure engine, projections. Everything that can change the service's mind is an *input* with an offset in
//! a durable journal: an event, a person's command, a probe result, a delivery result, a rulebook, a tick. [`core`]
//! decides; it has no clock, no I/O and no randomness, so that a replay gives the same records byte for byte. The other
//! rooms carry inputs in and effects out. Journal, records and outgoing notifications are committed in one transaction,
//! and the sender gets its answer only after that commit.
//!
//! | room | holds |
//! |---|---|
//! | [`core`] | words, calendars, rules, correlation, one room a record, the engine that composes them, simulation |
//! | [`store`] | journal, snapshots, records, outbox and queries on SQLite and PostgreSQL |
//! | [`mqtt`] | the connection to a real broker, shared by intake and notifications |
//! | [`metrics`] | every metric's name, unit and labels, and which effect counts where |
//! | [`ingest`] | HTTP and MQTT intake, decoding by source files, the bounded queue |
//! | [`notify`] | delivery of the outbox by channel, retries, idempotency keys |
//! | [`probes`] | automated inspection items |
//! | [`api`] | tokens and roles, REST by noun, Alertmanager's API, OpenAPI, the event stream |
//! | [`console`] | pages |
//! | [`app`] | the driver loop, the wiring of `serve`, a file for each command, terminal output |
//!
//! Imports point upward in this table only: a room may use the rooms above it, never those below, and no two files
//! import each other in a circle; `tests/it/tidy.rs` holds both.
//!
//! ## An alert over HTTP
//! `api/router.rs` authenticates, `ingest/alertmanager/` reads the body, `ingest/queue.rs` hands the events to
//! `app/runtime/driver.rs`. The driver fills a block (`block.rs`); `core/engine/partitions.rs` gives each event to its
//! correlator: `core/correlation/alerts/` deduplicates and finds the owning rule, `conditions/evaluate.rs` asks the
//! pattern, `suppression/` holds back or lets through. What comes out is a decision for the desk:
//! `core/engine/desk/incidents/` opens or joins an incident, `sla/` starts its clocks, `assignment/` finds a person,
//! `escalation/` its step, `notifications/` writes the outbox. `store/encode_batch.rs` and `store/writer.rs` commit all
//! of it; then the sender gets 200 and `store/live_view.rs` shows the new state.
//!
//! ## An event over MQTT
//! `ingest/mqtt/listener/` (the built-in intake) or `ingest/mqtt/client/` (a broker) reads the publish, `decoding.rs`
//! asks the topic's source file (`core/rules/source/`), `ordered_intake.rs` keeps the order and acknowledges with PUBACK
//! after the commit. From the queue on, the way is the same as above.
//!
//! ## A person's command
//! `api/v1/incidents/commands.rs` extracts it, `api/auth/` checks the role, `api/commands.rs` queues it beside the events,
//! so that no flood delays it. `core/engine/desk/command.rs` checks version and state; the refusal or the outcome is
//! journaled, audited and answered after the commit.
//!
//! ## A timer
//! The engine names its `next_deadline()`; the driver sleeps until then and journals a tick. The correlators run their due
//! timers (`core/correlation/timers.rs`), the desk its own in one order (`core/engine/desk/`). No task owns a timer, so a
//! restart loses none.
//!
//! ## An inspection run
//! `core/inspections/schedule.rs` says when a run is due, the tick creates it, `probes/` answers its automated items and
//! people the rest; `completion.rs` signs it off. A failed item is a finding, which enters as an event and becomes an
//! incident like any other.

pub mod core;

pub mod store;

pub mod mqtt;

pub mod metrics;

pub mod ingest;
pub mod notify;
pub mod probes;

pub mod api;

pub mod console;

pub mod app;
