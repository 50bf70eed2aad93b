//! The shapes of answers, as tables: the records themselves live in rooms that know nothing of OpenAPI. A test holds
//! every table against what is really written.

use super::shape::{Shape, page_of, shape_schema};
use crate::api::v1::on_call::schema;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;

use crate::api::v1::problems::schema::REVIEWED;
use crate::api::v1::reports::schema::FIGURES;
use crate::api::v1::sla::schema::PROMISES;

use super::shape::FieldKind::{
    Bool, Labels, Many, MaybeBool, MaybeNumber, MaybeObject, MaybeText, MaybeTime, Number, Object, Text, Texts, Time,
};

/// Every shape that answers refer to. Where one is listed, `…Page` is the list of it.
pub const SHAPES: &[Shape] = &[
    Shape {
        name: "Incident",
        members: &[
            ("id", Text),
            ("version", Number),
            ("title", Text),
            ("state", Text),
            ("pending_on", MaybeText),
            ("merged_into", MaybeText),
            ("tier", Number),
            ("team", Text),
            ("assignee", MaybeText),
            ("waiting", MaybeObject),
            ("priority", Text),
            ("priority_reason", Text),
            ("severity", Text),
            ("rule", Text),
            ("key", Labels),
            ("labels", Labels),
            ("fingerprint", Text),
            ("reason", Text),
            ("root", MaybeObject),
            ("alerts", Number),
            ("firing", Number),
            ("opened_at", Time),
            ("acknowledged_at", MaybeTime),
            ("acknowledged", Bool),
            ("resolved_at", MaybeTime),
            ("closed_at", MaybeTime),
            ("breached", Bool),
            ("escalations", Number),
            ("reopened", Number),
            ("held", MaybeText),
            ("problem", MaybeText),
            ("found_during", MaybeText),
            ("similar", Many("SimilarIncident")),
            ("findings", Texts),
            ("workaround", MaybeText),
            ("runbook", MaybeText),
            ("support", Object),
            ("diagnosis", MaybeText),
            ("resolution", MaybeText),
            ("digests", Texts),
            ("unpaged", Bool),
            ("next_step_at", MaybeTime),
            ("unarmed", MaybeText),
            ("class", Text),
            ("out_of_catalogue", Bool),
            ("impact", MaybeText),
            ("urgency", MaybeText),
            ("clocks", Many("Clock")),
            ("contacts", Many("Contact")),
            ("breach_reason", MaybeObject),
            ("outages", Many("IncidentOutage")),
            ("updated_at", Time),
            ("resolved_by", MaybeText),
        ],
    },
    Shape {
        name: "Timeline",
        members: &[
            ("incident", Text),
            ("at", Time),
            ("kind", Text),
            ("actor", Text),
            ("text", Text),
            ("tier", MaybeNumber),
            ("outage", MaybeObject),
            ("fact", MaybeObject),
        ],
    },
    Shape {
        name: "Evidence",
        members: &[
            ("cause", Object),
            ("at", Time),
            ("source", Text),
            ("status", Text),
            ("labels", Labels),
            ("facts", Labels),
            ("summary", Text),
            ("severity", Text),
            ("value", MaybeNumber),
            ("suppressed", Bool),
            ("maintained", Bool),
            ("raw", MaybeText),
        ],
    },
    Shape {
        name: "Delivery",
        members: &[
            ("id", Text),
            ("kind", Text),
            ("at", Time),
            ("title", Text),
            ("team", Text),
            ("person", MaybeText),
            ("tier", MaybeNumber),
            ("channel", Text),
            ("to", Text),
            ("attempts", Number),
            ("state", Text),
            ("error", MaybeText),
            ("delivered_at", MaybeTime),
        ],
    },
    Shape {
        name: "Alert",
        members: &[
            ("fingerprint", Text),
            ("source", Text),
            ("status", Text),
            ("severity", Text),
            ("summary", Text),
            ("labels", Labels),
            ("facts", Labels),
            ("annotations", Labels),
            ("starts_at", Text),
            ("ends_at", Text),
            ("updated_at", Time),
            ("first_seen_at", Time),
            ("generator_url", Text),
            ("silenced_by", Texts),
            ("inhibited_by", Texts),
            ("explained_by", Texts),
            ("maintained_by", Texts),
            ("storm", MaybeText),
            ("rule", Text),
            ("key", Labels),
            ("held", MaybeText),
            ("transitions", Number),
            ("incident", MaybeText),
            ("team", MaybeText),
            ("linked", MaybeBool),
        ],
    },
    Shape {
        name: "Tiers",
        members: &[("ladders", Many("Ladder")), ("teams", Many("Team")), ("playbooks", Many("Playbook"))],
    },
    Shape { name: "Playbook", members: &[("name", Text), ("title", Text), ("steps", Many("PlaybookStep"))] },
    Shape { name: "PlaybookStep", members: &[("name", Text), ("title", Text), ("evidence", Bool)] },
    Shape { name: "Ladder", members: &[("name", Text), ("steps", Many("Step")), ("hierarchy", Many("Told"))] },
    Shape {
        name: "Step",
        members: &[
            ("tier", Number),
            ("team", Text),
            ("respond_by", Text),
            ("page_every", Text),
            ("resolve_by", MaybeText),
            ("vendor", Bool),
            ("kind", Text),
            ("calendar", MaybeText),
            ("demands", Texts),
        ],
    },
    Shape {
        name: "Told",
        members: &[
            ("after", Text),
            ("priorities", Texts),
            ("team", MaybeText),
            ("person", MaybeText),
            ("repeat", Number),
            ("every", Text),
            ("stop_when", Texts),
            ("calendar", MaybeText),
        ],
    },
    Shape {
        name: "Team",
        members: &[
            ("name", Text),
            ("title", Text),
            ("members", Texts),
            ("vendors", Texts),
            ("channels", Many("Channel")),
        ],
    },
    Shape { name: "Channel", members: &[("kind", Text), ("to", Text)] },
    Shape {
        name: "Rules",
        members: &[
            ("hash", Text),
            ("files", Texts),
            ("items", Many("Rule")),
            ("inhibitions", Many("Inhibition")),
            ("next", MaybeText),
        ],
    },
    Shape {
        name: "Rule",
        members: &[
            ("name", Text),
            ("pattern", Text),
            ("matchers", Text),
            ("when", MaybeText),
            ("by", Texts),
            ("continue", Bool),
            ("ladder", Text),
            ("pages", Bool),
            ("priority", MaybeText),
            ("severity", MaybeText),
            ("runbook", MaybeText),
            ("playbook", MaybeText),
        ],
    },
    Shape {
        name: "Inhibition",
        members: &[("name", Text), ("source", Text), ("target", Text), ("equal", Texts), ("hops", MaybeNumber)],
    },
    Shape {
        name: "Source",
        members: &[("name", Text), ("path", Text), ("topics", Texts), ("unknown_severity_words", Texts)],
    },
    Shape {
        name: "Audit",
        members: &[
            ("cause", Object),
            ("at", Time),
            ("actor", Text),
            ("role", Text),
            ("action", Text),
            ("subject", Text),
            ("detail", Text),
            ("refused", MaybeText),
            ("fact", MaybeObject),
        ],
    },
    Shape {
        name: "DeadLetter",
        members: &[
            ("id", Number),
            ("at", Time),
            ("source", Text),
            ("door", Text),
            ("reason", Text),
            ("payload", Text),
            ("payload_bytes", Number),
        ],
    },
    Shape {
        name: "QuarantinedName",
        members: &[
            ("label", Text),
            ("name", Text),
            ("source", Text),
            ("first_at", Time),
            ("last_at", Time),
            ("count", Number),
        ],
    },
    Shape {
        name: "Template",
        members: &[("id", Text), ("text", Text), ("first_at", Time), ("last_at", Time), ("count", Number)],
    },
    Shape {
        name: "Silence",
        members: &[
            ("id", Text),
            ("status", Object),
            ("updatedAt", Time),
            ("comment", Text),
            ("createdBy", Text),
            ("endsAt", Text),
            ("matchers", Many("Matcher")),
            ("startsAt", Text),
        ],
    },
    Shape { name: "Matcher", members: &[("isEqual", Bool), ("isRegex", Bool), ("name", Text), ("value", Text)] },
    Shape {
        name: "IncidentExplanation",
        members: &[
            ("incident", Object),
            ("rule", MaybeObject),
            ("evidence", Many("Evidence")),
            ("window", MaybeObject),
            ("alerts", Texts),
            ("timeline", Many("Timeline")),
            ("notices", Many("Delivery")),
        ],
    },
    Shape {
        name: "AlertExplanation",
        members: &[("alert", Object), ("incidents", Many("Incident")), ("explanation", MaybeObject)],
    },
    Shape { name: "Receipt", members: &[("accepted", Number), ("duplicates", Number), ("rejected", Many("Rejected"))] },
    Shape { name: "Rejected", members: &[("index", Number), ("error", Text)] },
    Shape { name: "ProblemDetails", members: &[("type", Text), ("title", Text), ("status", Number), ("detail", Text)] },
];

/// The shapes that have a list.
const LISTED: [&str; 19] = [
    "Incident",
    "Timeline",
    "Evidence",
    "Delivery",
    "Alert",
    "Problem",
    "Run",
    "Plan",
    "Completion",
    "Source",
    "Audit",
    "DeadLetter",
    "QuarantinedName",
    "Template",
    "Silence",
    "Roster",
    "Presence",
    "Handover",
    "BillingRow",
];

/// Every component schema of the document.
pub fn components() -> Vec<(String, RefOr<Schema>)> {
    let shapes = SHAPES
        .iter()
        .chain(schema::SHAPES)
        .chain(FIGURES)
        .chain(PROMISES)
        .chain(REVIEWED)
        .map(|shape| (shape.name.to_owned(), shape_schema(shape)));
    shapes.chain(LISTED.iter().map(|name| (format!("{name}Page"), page_of(name)))).collect()
}
