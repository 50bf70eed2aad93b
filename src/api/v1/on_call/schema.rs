//! The shapes of answers about who works when.

use crate::api::http::shape::FieldKind::{Bool, Many, MaybeObject, MaybeText, MaybeTime, Number, Text, Texts, Time};
use crate::api::http::shape::Shape;

/// As the other tables.
pub const SHAPES: &[Shape] = &[
    Shape {
        name: "Roster",
        members: &[
            ("name", Text),
            ("title", Text),
            ("zone", Text),
            ("teams", Texts),
            ("on_duty", Many("OnDuty")),
            ("why", Text),
            ("next_change", MaybeTime),
        ],
    },
    Shape {
        name: "OnDuty",
        members: &[
            ("person", Text),
            ("title", Text),
            ("organisation", Text),
            ("instead_of", MaybeText),
            ("present", Bool),
            ("absence", MaybeText),
            ("holds", Number),
            ("limit", Number),
        ],
    },
    Shape {
        name: "RosterReport",
        members: &[
            ("name", Text),
            ("title", Text),
            ("zone", Text),
            ("teams", Texts),
            ("on_duty", Many("OnDuty")),
            ("why", Text),
            ("next_change", MaybeTime),
            ("from", Time),
            ("until", Time),
            ("changes", Many("DutyChange")),
            ("gaps", Many("CoverageGap")),
            ("overrides", Many("Override")),
        ],
    },
    Shape { name: "DutyChange", members: &[("at", Time), ("people", Texts), ("why", Text)] },
    Shape {
        name: "CoverageGap",
        members: &[("from", Time), ("until", Time), ("on_duty", Number), ("at_least", Number)],
    },
    Shape {
        name: "Override",
        members: &[
            ("id", Number),
            ("roster", Text),
            ("person", Text),
            ("instead_of", MaybeText),
            ("from", Time),
            ("until", Time),
            ("reason", Text),
            ("by", Text),
            ("at", Time),
        ],
    },
    Shape {
        name: "Presence",
        members: &[
            ("person", Text),
            ("present", Bool),
            ("standing", Text),
            ("since", Time),
            ("seen_at", Time),
            ("until", MaybeTime),
        ],
    },
    Shape {
        name: "Handover",
        members: &[
            ("roster", Text),
            ("title", Text),
            ("zone", Text),
            ("at", Time),
            ("changes_at", MaybeTime),
            ("from", Texts),
            ("to", Texts),
            ("open", Many("HandedOver")),
            ("waiting", Number),
            ("clocks", Many("RunningClock")),
        ],
    },
    Shape {
        name: "HandedOver",
        members: &[
            ("id", Text),
            ("title", Text),
            ("priority", Text),
            ("state", Text),
            ("team", Text),
            ("assignee", MaybeText),
            ("opened_at", Time),
            ("diagnosis", MaybeText),
            ("waiting", MaybeObject),
            ("clocks", Many("Clock")),
            ("hands_to", MaybeText),
        ],
    },
    Shape { name: "RunningClock", members: &[("id", Text), ("what", Text), ("at", Time)] },
];
